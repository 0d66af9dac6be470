"""The filters of the language, in Ansible's names and semantics, beside those that Jinja has itself."""

from __future__ import annotations

from orchestrator.template.plugins import table

FILTERS = table(
    "orchestrator.template.filters",
    values="""bool:to_bool mandatory ternary type_debug quote random:pick shuffle string:to_string comment split
        ansible._protomatter.finalize:finalize ansible._protomatter.dump_object:dump_object""",
    collections="""combine dict2items items2dict subelements flatten zip:zip_lists zip_longest product extract
        rekey_on_member combinations permutations""",
    general="""lists_mergeby keep_keys remove_keys replace_keys dict:to_dict groupby_as_dict dict_kv counter lists_union
        lists_intersect lists_difference lists_symmetric_difference version_sort crc32 unicode_normalize
        reveal_ansible_type ansible_type:reveal_ansible_type""",
    query="json_query",
    dotted="to_paths get_path index_of",
    sets="unique union intersect difference symmetric_difference",
    serial="to_json to_nice_json from_json to_yaml to_nice_yaml from_yaml from_yaml_all from_ini to_ini from_csv",
    regex="regex_search regex_findall regex_replace regex_escape",
    paths="""basename dirname expanduser expandvars realpath relpath normpath path_join splitext commonpath fileglob
        win_basename win_dirname win_splitdrive""",
    numbers="log pow:power root human_readable human_to_bytes",
    digests="hash:digest checksum md5 sha1 password_hash to_uuid b64encode b64decode vault unvault",
    times="""strftime to_datetime to_milliseconds to_seconds to_minutes to_hours to_days to_weeks to_months to_years
        to_time_unit""",
    urls="urlsplit urldecode",
    network="ipaddr ipv4 ipv6 ipwrap",
    subnets="""nthhost ipsubnet ip4_hex ipmath cidr_merge network_in_network network_in_usable previous_nth_usable
        next_nth_usable usable_range reduce_on_network ipv6form""",
    hardware="hwaddr macaddr slaac random_mac",
)
