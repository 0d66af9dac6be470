# Runs inside a new root file system: makes a plain Debian into a lab host.
# Passwords are written here on purpose: they open nothing but these containers.

useradd --create-home --shell /bin/bash ops
useradd --create-home --shell /bin/bash ops-nopass
useradd --create-home --shell /bin/bash plain
printf '%s\n' 'root:root-secret' 'ops:ops-secret' 'ops-nopass:nopass-secret' 'plain:plain-secret' | chpasswd
printf '%s\n' 'ops ALL=(ALL:ALL) ALL' 'ops-nopass ALL=(ALL:ALL) NOPASSWD: ALL' > /etc/sudoers.d/lab
chmod 0440 /etc/sudoers.d/lab

# The lab's public key is put there when a host starts, so that the image holds no key of anyone's.
cat > /etc/ssh/sshd_config.d/lab.conf <<'CONF'
AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/lab_authorized_keys
MaxStartups 200:30:400
MaxSessions 100
UseDNS no
HostKey /etc/ssh/ssh_host_ed25519_key
HostKey /etc/ssh/ssh_host_ecdsa_key
CONF

# Each host makes host keys of its own.
rm -f /etc/ssh/ssh_host_*
cat > /etc/systemd/system/lab-host-keys.service <<'UNIT'
[Unit]
Description=SSH host keys of this lab host
Before=ssh.service
ConditionPathExists=!/etc/ssh/ssh_host_ed25519_key
[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -q -t ed25519 -N "" -f /etc/ssh/ssh_host_ed25519_key
ExecStart=/usr/bin/ssh-keygen -q -t ecdsa -N "" -f /etc/ssh/ssh_host_ecdsa_key
[Install]
WantedBy=multi-user.target
UNIT
systemctl enable lab-host-keys.service

# Nothing here may wake up by itself while a test is running.
systemctl disable apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer 2>/dev/null || true
systemctl mask getty.target console-getty.service systemd-logind.service 2>/dev/null || true
rm -f /etc/machine-id /etc/hostname
: > /etc/machine-id
