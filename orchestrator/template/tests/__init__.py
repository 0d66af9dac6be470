"""The tests of the language (``is …``), in Ansible's names and semantics, beside those that Jinja has itself."""

from __future__ import annotations

from orchestrator.template.plugins import table

TESTS = table(
    "orchestrator.template.tests",
    results="""failed failure:failed succeeded:success success successful:success changed change:changed skipped
        skip:skipped reachable unreachable started finished timedout""",
    text="""match search regex version version_compare:version uri url urn vault_encrypted vaulted_file semver
        ansible._protomatter.tagged_with:tagged_with ansible._protomatter.tagged:tagged_with""",
    truth="truthy falsy all:all_true any:any_true boolean:is_boolean",
    sets="subset issubset:subset superset issuperset:superset contains nan isnan:nan",
    files="""file:is_file is_file:is_file directory:is_directory is_dir:is_directory exists link:is_link
        is_link:is_link link_exists abs:is_abs is_abs:is_abs mount:is_mount is_mount:is_mount same_file
        is_same_file:same_file""",
    addresses="""ip ip_address ipv4 ipv6 ipv4_address ipv6_address ipv4_netmask ipv4_hostmask ipv6_ipv4_mapped
        ipv6_sixtofour ipv6_teredo loopback multicast private public reserved unspecified in_network not_in_network
        in_any_network in_one_network subnet_of:in_network supernet_of mac resolvable""",
)
