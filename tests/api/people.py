"""Who asks: for each request somebody with an account of their own, who every other time fills in forms as people do.

Without it nearly everything would be answered with 400 or 401, and no answer to a success would be held against its schema.
"""

import itertools

import requests
import schemathesis

PASSWORD = "correct horse"
NUMBERS = itertools.count()


def somebody(base):
    """Signs somebody up who was not there before."""
    name = f"fuzz{next(NUMBERS)}"
    form = {"email": f"{name}@gmail.com", "username": name, "password": PASSWORD}
    answer = requests.post(base + "/api/v1/auth/register", json=form, timeout=10)
    answer.raise_for_status()
    return form, answer.json()["data"]


@schemathesis.auth(refresh_interval=None)
class Account:
    """What one request does to its account, the next does not feel."""

    def get(self, case, context):
        return somebody(case.operation.base_url)[1]["accessToken"]

    def set(self, case, data, context):
        case.headers = case.headers or {}
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def before_call(context, case, kwargs):
    number = next(NUMBERS)
    if number % 2 and isinstance(case.body, dict):
        case.body = filled(case.body, meant(case, number))


def meant(case, number):
    """Values by the name of their field that fit together."""
    form, data = somebody(case.operation.base_url)
    fresh = {"email": f"meant{number}@gmail.com", "username": f"meant{number}"}
    return (form if case.operation.path.endswith("/login") else fresh) | {
        "password": PASSWORD,
        "currentPassword": PASSWORD,
        "newPassword": "battery staple",
        "refreshToken": data["refreshToken"],
        "displayName": "Ann",
        "gender": "female",
        "age": 30,
        "deviceFingerprint": f"a device of the tests {number}",
        "termsAccepted": True,
        "privacyAccepted": True,
        "otp": "123456",
    }


def filled(body, meant):
    """What is of the wrong type stays so: it was made to be refused."""
    return {
        name: meant[name] if name in meant and type(value) is type(meant[name]) else value
        for name, value in body.items()
    }
