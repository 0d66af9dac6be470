"""In which Ansible collection each module lives. Controller side; a name in the wrong collection is unknown.

`ansible.builtin` and `ansible.legacy` also know by redirection what Ansible 2.9 held in its one tree, as Ansible's
own routing does; `community.general` knows what moved out of it later (docker, mysql, postgresql …).
"""

BUILTIN = frozenset("""
    add_host apt apt_key apt_repository assemble assert async_status blockinfile command copy cron deb822_repository
    debconf debug dnf dnf5 dpkg_selections expect fail fetch file find gather_facts get_url getent git group group_by
    hostname import_playbook import_role import_tasks include include_role include_tasks include_vars iptables
    known_hosts lineinfile meta mount_facts package package_facts pause ping pip raw reboot replace rpm_key script
    service service_facts set_fact set_stats setup shell slurp stat subversion systemd systemd_service sysvinit
    tempfile template unarchive uri user validate_argument_spec wait_for wait_for_connection yum yum_repository
""".split())

POSIX = frozenset("""
    acl at authorized_key firewalld firewalld_info mount patch rhel_facts rhel_rpm_ostree rpm_ostree_upgrade seboolean
    selinux synchronize sysctl
""".split())

GENERAL = frozenset("""
    alternatives apache2_mod_proxy apache2_module apk archive bundler capabilities composer cpanm dconf dpkg_divert
    filesystem flatpak flatpak_remote gem git_config github_release gitlab_runner grub2 haproxy homebrew htpasswd
    ini_file interfaces_file java_cert java_keystore jenkins_job jenkins_plugin kernel_blacklist launchd ldap_attrs
    ldap_entry locale_gen lvg lvol lxc_container lxd_container mail make modprobe monit nagios nmcli npm
    open_iscsi opkg osx_defaults pacman pam_limits pamd parted pids pipx portage proxmox
    redhat_subscription rhsm_repository runit sefcontext selinux_permissive selogin seport shutdown slack snap
    snap_alias ssh_config sudoers supervisorctl
    svc syspatch timezone ufw xattr xfs_quota xml yarn zfs zypper zypper_repository
""".split())

ELSEWHERE = {
    "community.docker": frozenset("""
        docker_compose docker_compose_v2 docker_container docker_container_exec docker_container_info
        docker_host_info docker_image docker_image_build docker_image_export docker_image_info docker_image_load
        docker_image_pull docker_image_push docker_image_remove docker_image_tag docker_login docker_network
        docker_network_info docker_node docker_prune docker_secret docker_stack docker_swarm docker_swarm_service
        docker_volume docker_volume_info
    """.split()),
    "community.mysql": frozenset(
        "mysql_db mysql_info mysql_query mysql_replication mysql_user mysql_variables".split()),
    "community.postgresql": frozenset("""
        postgresql_db postgresql_ext postgresql_info postgresql_lang postgresql_membership postgresql_owner
        postgresql_pg_hba postgresql_ping postgresql_privs postgresql_query postgresql_schema postgresql_set
        postgresql_table postgresql_user
    """.split()),
    "community.crypto": frozenset("""
        acme_certificate luks_device openssh_cert openssh_keypair openssl_csr openssl_dhparam openssl_pkcs12
        openssl_privatekey openssl_publickey x509_certificate x509_certificate_info
    """.split()),
    "community.mongodb": frozenset(["mongodb_user"]),
    "community.rabbitmq": frozenset("rabbitmq_plugin rabbitmq_user rabbitmq_vhost".split()),
    "containers.podman": frozenset("podman_container podman_image podman_network podman_volume".split()),
}

ALIASES = {"systemd_service": "systemd", "dnf5": "dnf"}
"""Names that stand for another module; they count only when that module is here."""

RENAMED = {"ansible.mysql": "community.mysql"}
"""A collection's newer name: roles of the time after its move write it."""

OWN = "orch"


def home(bare):
    """The collection in which a bare name lives; a module that Ansible does not have lives in ``orch``."""
    for collection, members in _tables():
        if bare in members:
            return collection
    return OWN


def full_name(bare):
    """``ansible.builtin.copy`` for ``copy``."""
    return "{}.{}".format(home(bare), bare)


def holds(collection, bare):
    """Whether ``collection.bare`` names a module: in its home, or by a redirection that Ansible has too."""
    where = home(bare)
    if collection == where or RENAMED.get(collection) == where:
        return True
    if collection in ("ansible.builtin", "ansible.legacy"):
        return where != OWN
    return collection == "community.general" and where in ELSEWHERE and where != "containers.podman"


def _tables():
    yield "ansible.builtin", BUILTIN
    yield "ansible.posix", POSIX
    yield "community.general", GENERAL
    for collection in sorted(ELSEWHERE):
        yield collection, ELSEWHERE[collection]
