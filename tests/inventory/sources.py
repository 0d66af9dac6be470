"""Inventories whose meaning was observed in ansible-core 2.19; the tests hold its answers beside ours."""

DAG = """\
all:
  hosts:
    top1:
    "n[01:03].ex.com:2222": {a: 1}
  vars: {allv: 1, who: all}
  children:
    west: {hosts: {w1: , w2: {who: host}}, vars: {who: west}}
    east:
      hosts: {e1: , e2: , w2: }
      vars: {who: east, ansible_group_priority: 5}
      children: {deep: {hosts: {d1: , e2: }, vars: {who: deep}}}
    prod:
      children: {east: , west: }
      vars: {who: prod}
lone:
  hosts: {l1: , "fe80::1": , "10.0.0.[1:3]": }
"""

FARM = """\
[web]
web[1:12]
[db]
db[a:c]
[prod:children]
web
db
[extra]
web1 z=1
x1
"""
