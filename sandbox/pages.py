"""HTML that people see: the frame of every page, the consent page, errors.

Nothing is loaded from elsewhere, and whatever comes from outside is escaped.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from sandbox import scopes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_STYLE = """
:root{color-scheme:light dark;--ink:#1f2328;--soft:#5f6b7a;--line:#d9dee5;--page:#f4f6f9;
--card:#fff;--accent:#1a5fd0;--accent-ink:#fff}
@media(prefers-color-scheme:dark){:root{--ink:#e7eaee;--soft:#9aa5b3;--line:#343b45;
--page:#15181c;--card:#1e2329;--accent:#6aa3ff;--accent-ink:#0d1420}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:62rem;margin:0 auto;padding:1.5rem 1rem 4rem}
main.narrow{max-width:30rem}
.card{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:1.4rem;
margin:1rem 0}
h1{font-size:1.35rem;margin:.2rem 0 .6rem}h2{font-size:1.05rem;margin:1.2rem 0 .4rem}
p{margin:.4rem 0}.soft{color:var(--soft);font-size:.92rem;overflow-wrap:anywhere}
label{display:block;padding:.3rem 0}
label.row{display:flex;gap:.6rem;align-items:flex-start}
input,textarea,select{font:inherit;color:inherit;background:var(--page);
border:1px solid var(--line);border-radius:8px;padding:.45rem .6rem}
input:not([type=checkbox]):not([type=radio]),textarea{width:100%}
button,.button{font:inherit;border:1px solid var(--line);border-radius:999px;padding:.45rem 1.1rem;
background:var(--card);color:var(--ink);cursor:pointer;text-decoration:none}
button.main{background:var(--accent);border-color:var(--accent);color:var(--accent-ink)}
a{color:var(--accent)}
.line{display:flex;gap:.6rem;flex-wrap:wrap;align-items:center}
.grow{flex:1 1 12rem}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.event{border-left:4px solid var(--accent);padding:.35rem .8rem;margin:.4rem 0;
background:var(--page);border-radius:0 8px 8px 0}
.event.cancelled{opacity:.55;text-decoration:line-through}
summary{cursor:pointer}fieldset{border:1px solid var(--line);border-radius:10px;margin:.8rem 0}
"""

_MEANINGS = {
    "calendar": "See, edit, share and permanently delete all the calendars you can access",
    "calendar.readonly": "See and download any calendar you can access",
    "calendar.events": "View and edit events on all your calendars",
    "calendar.events.readonly": "View events on all your calendars",
    "calendar.events.owned": "See, create, change and delete events on calendars you own",
    "calendar.calendarlist": "See, add and remove calendars you are subscribed to",
    "calendar.calendarlist.readonly": "See the list of calendars you are subscribed to",
    "calendar.freebusy": "View your availability in your calendars",
    "calendar.events.freebusy": "See the availability on calendars you have access to",
    "calendar.app.created": "Make secondary calendars, and see and change events on them",
    "calendar.settings.readonly": "View your calendar settings",
}


def page(title: str, body: str, *, narrow: bool = False) -> str:
    """A whole document around a body that is already HTML."""
    kind = ' class="narrow"' if narrow else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main{kind}>{body}</main></body></html>"
    )


def error_page(base_url: str, error: str, description: str) -> str:
    """What the person sees when the application asked wrongly."""
    body = (
        '<div class="card"><p class="soft">Google simulator</p>'
        "<h1>Access blocked: the request is invalid</h1>"
        f"<p>Error 400: <strong>{escape(error)}</strong></p>"
        f'<p class="soft">{escape(description)}</p>'
        f'<p><a href="{escape(base_url)}/">Simulator</a></p></div>'
    )
    return page("Sign in", body, narrow=True)


def nobody_page() -> str:
    """What the person sees after allowing without saying who they are."""
    body = (
        '<div class="card"><p class="soft">Google simulator</p><h1>Who are you?</h1>'
        "<p>Go back, and choose an account or type an address.</p></div>"
    )
    return page("Sign in", body, narrow=True)


def consent_page(
    base_url: str,
    asked: Mapping[str, str],
    wanted: Sequence[str],
    accounts: Sequence[str],
    hinted: str | None,
) -> str:
    """The form on which a person chooses an account and what to allow."""
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in asked.items()
    )
    chosen = hinted or (accounts[0] if accounts and "login_hint" not in asked else None)
    people = "".join(
        f'<label class="row"><input type="radio" name="account" value="{escape(email)}"'
        f"{' checked' if email == chosen else ''}> {escape(email)}</label>"
        for email in accounts
    )
    typed = asked.get("login_hint", "") if hinted is None else ""
    other = "Or another address" if accounts else "Address"
    boxes = "".join(
        f'<label class="row"><input type="checkbox" name="granted" value="{escape(scope)}" checked>'
        f"<span>{escape(_meaning(scope))}<br>"
        f'<span class="soft">{escape(scope)}</span></span></label>'
        for scope in wanted
        if not scopes.is_identity(scope)
    )
    identity = any(scopes.is_identity(scope) for scope in wanted)
    told = '<p class="soft">It will also learn your name and address.</p>' if identity else ""
    access = f"<h2>It wants to</h2>{boxes}" if boxes else ""
    body = (
        '<div class="card"><p class="soft">Google simulator</p>'
        f"<h1>{escape(asked.get('client_id', ''))} wants access to your Google Account</h1>"
        f'<form method="post" action="{escape(base_url)}/o/oauth2/v2/auth">{hidden}'
        f"<h2>Account</h2>{people}"
        f"<label>{other} (made when you allow, if it is new)"
        f'<input type="email" name="new_account" value="{escape(typed)}" '
        'autocomplete="off" placeholder="someone@example.com"></label>'
        f"{access}{told}"
        '<p class="line"><button class="main" name="decision" value="allow">Allow</button>'
        '<button name="decision" value="deny" formnovalidate>Deny</button></p>'
        "</form></div>"
    )
    return page("Sign in", body, narrow=True)


def picture(name: str) -> str:
    """An account's picture: its initial on a disc, as SVG."""
    initial = escape(name[:1].upper() or "?")
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96"><circle cx="48" cy="48" '
        'r="48" fill="#1a5fd0"/><text x="48" y="64" font-family="sans-serif" font-size="48" '
        f'fill="#fff" text-anchor="middle">{initial}</text></svg>'
    )


def _meaning(scope: str) -> str:
    short = scope.removeprefix(scopes.PREFIX)
    return _MEANINGS.get(short, short)
