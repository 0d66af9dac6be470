"""The few names of Ansible that filter, test and lookup plugins import, in our own words.

Where ansible-core is installed beside orch the real modules are used, but for `LookupBase`, which is always ours.
"""
