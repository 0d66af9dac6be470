"""``ansible.errors``: what plugins raise. Each becomes a `TemplateError` with the same words."""

from __future__ import annotations

from typing import Any


class AnsibleError(Exception):
    """``message`` and, if given, the exception behind it."""

    def __init__(
        self, message: Any = "", obj: Any = None, show_content: bool = True, *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(message)
        self.message = str(message)
        self.obj = obj
        self.orig_exc = kwargs.get("orig_exc")

    def __str__(self) -> str:
        return self.message if self.orig_exc is None else f"{self.message}: {self.orig_exc}"


class AnsibleOptionsError(AnsibleError):
    pass


class AnsibleRequiredOptionError(AnsibleOptionsError):
    pass


class AnsibleParserError(AnsibleError):
    pass


class AnsibleAssertionError(AnsibleError, AssertionError):
    pass


class AnsibleFileNotFound(AnsibleError):
    pass


class AnsibleConnectionFailure(AnsibleError):
    pass


class AnsibleTemplateError(AnsibleError):
    pass


class AnsibleUndefinedVariable(AnsibleTemplateError):
    pass


class AnsibleFilterError(AnsibleTemplateError):
    pass


class AnsibleFilterTypeError(AnsibleFilterError, TypeError):
    pass


class AnsibleLookupError(AnsibleTemplateError):
    pass


class AnsiblePluginError(AnsibleError):
    pass


class AnsiblePluginNotFound(AnsiblePluginError):
    pass


class AnsibleTypeError(AnsibleError, TypeError):
    pass


class AnsibleValueError(AnsibleError, ValueError):
    pass


class AnsibleActionFail(AnsibleError):
    pass


AnsibleRuntimeError = AnsibleError
