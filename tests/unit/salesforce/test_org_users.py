"""Who of an org a user of ours is."""

from __future__ import annotations

from tieline.salesforce.org_users import match_of


def user(id: str, username: str, email: str) -> dict[str, str]:
    return {"Id": id, "Username": username, "Email": email}


def test_the_user_name_comes_before_the_address() -> None:
    named = user("1", "Aki@acme.example", "old@acme.example")
    addressed = user("2", "aki@acme.example.dev", "aki@acme.example")
    match = match_of("aki@acme.example", None, [addressed, named])
    assert (match.found, match.how, match.user) == (1, "username", named)


def test_an_address_is_good_while_one_user_has_it() -> None:
    first, second = user("1", "a@x.dev", "Aki@acme.example"), user("2", "b@x.dev", "aki@acme.example")
    assert match_of("aki@acme.example", None, [first]).user == first
    several = match_of("aki@acme.example", None, [first, second])
    assert (several.found, several.how, several.user) == (2, None, None)
    assert match_of("aki@acme.example", None, [first, second], oldest_first=True).user == first
    assert match_of("aki@acme.example", None, []).found == 0


def test_what_was_chosen_counts_alone() -> None:
    by_itself, chosen = user("1", "aki@acme.example", "aki@acme.example"), user("2", "other@x.dev", "o@x")
    assert match_of("aki@acme.example", "OTHER@x.dev", [by_itself, chosen]).user == chosen
    gone = match_of("aki@acme.example", "left@x.dev", [by_itself, chosen])
    assert (gone.found, gone.how, gone.user) == (0, "chosen", None)
