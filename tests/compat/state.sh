# Describes a Debian host: `== section` lines, each followed by its entries. Run by bash as root.
section() { echo "== $1"; }
section packages; dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' | sed -n 's/^ii *//p'
section units; systemctl list-unit-files --no-legend --state=enabled,disabled,masked | awk '{print $1, $2}'
section active; systemctl list-units --no-legend --plain --type=service,timer,socket --state=active | awk '{print $1}'
section users; cut -d: -f1,3,4,6,7 /etc/passwd
section groups; cat /etc/group
# The table of the container's own name service is Docker's, with ports by chance; flushing it leaves its chains.
section firewall; iptables-save 2>/dev/null | awk '
  /^\*/ { table = ""; docker = 0 }
  /^:DOCKER_/ { docker = 1 }
  !/^#/ { table = table $0 "\n" }
  /^COMMIT/ && !docker { printf "%s", table }' | sed 's/\[[0-9:]*\]//'
section conffiles; dpkg-query -W -f '${Conffiles}\n' | awk 'NF >= 2 {print $2, $1}'
places="/etc /usr/local /opt /srv /root /home /var/www /var/spool/cron"
section files
find $places /lib/systemd/system -xdev \( -path '*/__pycache__*' -o -path '*/.ansible*' -o -path /root/.cache \) -prune \
  -o \( -type f -o -type l -o -type d \) -printf '%y|%m|%u|%g|%l|%p\n' 2>/dev/null
section sums
find $places -xdev \( -path '*/__pycache__*' -o -path '*/.ansible*' \) -prune -o -type f -size -2000k -print0 2>/dev/null \
  | xargs -0 md5sum
