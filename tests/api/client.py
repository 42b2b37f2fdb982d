"""What a client in Python does with the package that was made of the description (palaver_client): somebody registers, logs
in, refreshes and reads who they are, in both families."""

import sys

from palaver_client import AuthenticatedClient, Client
from palaver_client import models as m
from palaver_client.api.free_2_talk_auth import (
    free_2_talk_login,
    free_2_talk_logout,
    free_2_talk_me,
    free_2_talk_refresh,
    free_2_talk_register,
)
from palaver_client.api.free_2_talk_users import (
    free_2_talk_change_profile,
    free_2_talk_profile,
    free_2_talk_profile_by_name,
)
from palaver_client.api.omegoo_auth import login, logout, me, refresh, register
from palaver_client.api.omegoo_user import profile

BASE = sys.argv[1]
ANYBODY = Client(BASE)


def bearer(token):
    return AuthenticatedClient(BASE, token)


def equal(got, expected):
    assert got == expected, f"{got!r} is not {expected!r}"


def rooms():
    person = {"email": "py@example.org", "username": "pyra", "password": "correct horse"}
    form = m.Free2TalkRegister(**person, display_name="Py")
    made = free_2_talk_register.sync(client=ANYBODY, body=form)
    assert isinstance(made, m.Free2TalkSession), made
    again = free_2_talk_register.sync_detailed(client=ANYBODY, body=m.Free2TalkRegister(**person))
    equal((again.status_code, again.parsed.code), (400, "EMAIL_TAKEN"))

    form = m.Free2TalkLogin(email=person["email"], password=person["password"])
    session = free_2_talk_login.sync(client=ANYBODY, body=form)
    fresh = free_2_talk_refresh.sync(client=ANYBODY, x_refresh_token=session.data.refresh_token)
    assert fresh.data.refresh_token != session.data.refresh_token

    known = bearer(fresh.data.access_token)
    seen = free_2_talk_me.sync(client=known)
    equal((seen.user.id, seen.user.display_name, seen.user.bio), (made.user.id, "Py", None))
    body = m.Free2TalkChangeProfile(bio="Written in Python", native_languages=["English"])
    assert free_2_talk_change_profile.sync(client=known, body=body).success
    own = free_2_talk_profile.sync(client=known).data.profile
    equal((own.bio, own.native_languages), ("Written in Python", ["English"]))
    equal(free_2_talk_profile_by_name.sync("pyra", client=ANYBODY).data.profile.id, made.user.id)
    assert free_2_talk_logout.sync(client=known).success


def strangers():
    device = {"device_fingerprint": "a device in Python", "terms_accepted": True, "privacy_accepted": True}
    young = register.sync_detailed(client=ANYBODY, body=m.Register(age=17, **device))
    equal((young.status_code, young.parsed.error_code), (400, 1001))
    made = register.sync(client=ANYBODY, body=m.Register(age=30, **device))
    assert isinstance(made, m.SignedIn), made

    session = login.sync(client=ANYBODY, body=m.Login(device_fingerprint=device["device_fingerprint"]))
    fresh = refresh.sync(client=ANYBODY, body=m.Refresh(refresh_token=session.refresh_token))

    known = bearer(fresh.token)
    seen = me.sync(client=known)
    equal((seen.user.id, seen.user.tier, seen.user.email), (made.user.id, "guest", None))
    equal(profile.sync(client=known).user.id, made.user.id)
    assert logout.sync(client=known).success
    after = me.sync_detailed(client=known)
    equal((after.status_code, after.parsed.code), (401, "SESSION_ENDED"))


rooms()
strangers()
print("both families answer as described")
