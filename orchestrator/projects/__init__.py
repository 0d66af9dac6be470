"""What is run and where: playbooks, inventories, hosts."""
