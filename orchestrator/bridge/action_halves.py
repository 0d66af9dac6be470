"""Modules of which a part is a plugin on the controller. Those plugins are not run; what that leaves is told here."""

from __future__ import annotations

NEEDED_FOR: dict[str, frozenset[str]] = {
    "ansible.builtin.uri": frozenset({"src"}),
    "ansible.builtin.dnf": frozenset(),
    "ansible.builtin.dnf5": frozenset(),
    "ansible.builtin.yum": frozenset(),
    "ansible.builtin.service": frozenset(),
    "ansible.builtin.package_facts": frozenset(),
    "ansible.posix.patch": frozenset({"src"}),
    "amazon.aws.s3_object": frozenset({"src"}),
    "community.docker.docker_compose_v2": frozenset(),
    "kubernetes.core.helm": frozenset({"kubeconfig", "values_files"}),
    "kubernetes.core.helm_info": frozenset({"kubeconfig"}),
    "kubernetes.core.k8s": frozenset({"src", "template", "kubeconfig"}),
    "kubernetes.core.k8s_exec": frozenset({"kubeconfig"}),
    "kubernetes.core.k8s_info": frozenset({"kubeconfig"}),
    "kubernetes.core.k8s_scale": frozenset({"src", "kubeconfig"}),
}
"""Modules that do their work by themselves: the plugin matters only when one of these arguments is given."""


def verdict(full_name: str, has_plugin: bool) -> tuple[str | None, frozenset[str]]:
    """Why a module cannot be run without its plugin, or None; and the arguments without which it can."""
    if not has_plugin:
        return None, frozenset()
    known = NEEDED_FOR.get(full_name)
    if known is not None:
        return None, known
    return f"{full_name} has a part that runs on the controller (an action plugin), which orch does not run", \
        frozenset()
