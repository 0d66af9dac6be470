"""Values that are vault texts: what asks about them gets them closed, everything else opened."""

import pytest

from orchestrator.errors import VaultError
from orchestrator.template.engine import Engine
from orchestrator.template.types import Template
from orchestrator.template.vault_format import decrypt, encrypt
from tests.template.scopes import scope_of

SECRET = b"open sesame"


class _Opener:
    def decrypt(self, text: str, origin=None) -> str:
        return decrypt(text, SECRET, origin).decode()

    def decrypt_bytes(self, text: str, origin=None) -> bytes:
        return decrypt(text, SECRET, origin)


def _scope(secret: bytes = SECRET):
    lines = encrypt(b"hidden", secret).strip().replace("\n", "\n  ")
    return scope_of(f"sealed: !vault |\n  {lines}\nplain: text\nlooks: '$ANSIBLE_VAULT;1.1;AES256'\n"
                    "held: {inner: '{{ sealed }}'}\n")


ROWS = [
    ("sealed is vault_encrypted", True),
    ("sealed is ansible.builtin.vault_encrypted", True),
    ("plain is vault_encrypted", False),
    ("looks is vault_encrypted", False),
    ("sealed", "hidden"),
    ("sealed | upper", "HIDDEN"),
    ("sealed | unvault('open sesame')", "hidden"),
    ("('x' | vault('pw', wrap_object=true)) is vault_encrypted", True),
    ("'x' | vault('pw', 'salt') | unvault('pw')", "x"),
]


@pytest.mark.parametrize(("expression", "value"), ROWS, ids=[row[0] for row in ROWS])
def test_a_vault_value_is_closed_only_for_those_that_ask(expression: str, value: object) -> None:
    assert Engine(vault=_Opener()).render(Template("{{ " + expression + " }}"), _scope()) == value


KEPT = [
    ("sealed", True),
    ("[sealed] | first", True),
    ("{'a': sealed}.a", True),
    ("nope | default(sealed)", True),
    ("true | ternary(sealed, 'x')", True),
    ("sealed | string", True),
    ("[{'p': sealed}] | map(attribute='p') | first", True),
    ("held.inner", True),
    ("sealed ~ ''", False),
    ("sealed | upper", False),
    ("sealed[:3]", False),
    ("plain", False),
]


@pytest.mark.parametrize(("expression", "kept"), KEPT, ids=[row[0] for row in KEPT])
def test_an_opened_vault_value_is_known_as_one_until_it_is_changed(expression: str, kept: bool) -> None:
    engine, scope = Engine(vault=_Opener()), _scope()
    given = engine.render(Template("{{ " + expression + " }}"), scope)
    assert engine.render(Template("{{ given is vault_encrypted }}"), scope_of("{}", given=given)) is kept
    assert engine.render(Template("{{ (" + expression + ") is vault_encrypted }}"), scope) is kept


def test_yaml_is_written_with_the_vault_text_and_json_with_what_stood_in_it() -> None:
    engine, scope = Engine(vault=_Opener()), _scope()
    text = engine.render(Template("{{ {'a': sealed, 'b': sealed | upper} | to_nice_yaml }}"), scope)
    assert text.startswith("a: !vault |\n    $ANSIBLE_VAULT;1.1;AES256\n") and text.endswith("\nb: HIDDEN\n")
    assert engine.render(Template("{{ [sealed] | to_json }}"), scope) == '["hidden"]'


def test_a_vault_value_that_nobody_can_open_may_be_asked_about_and_opened_by_hand() -> None:
    engine, scope = Engine(), _scope(b"another")
    assert engine.condition("sealed is vault_encrypted", scope)
    assert engine.render(Template("{{ sealed | unvault('another') }}"), scope) == "hidden"
    with pytest.raises(VaultError):
        engine.render(Template("{{ sealed | default('x') }}"), scope)


def test_a_condition_on_a_vault_value_depends_on_it() -> None:
    assert "sealed" in Engine().names("sealed is vault_encrypted")
