"""Where each reserved name goes at each vendor: the one table, shown in docs/vendors/fields.md.

A vendor that a row leaves out has no place of its own for that name: it goes the vendor's way for custom fields.
ClientTether has no column because the reserved names are its document's own.
"""

from __future__ import annotations

from collections.abc import Mapping

CERTIFICATES = frozenset(
    {"xxTrustedFormCertUrl", "xxTrustedFormPingUrl", "xxTrustedFormToken", "leadid_token", "universal_leadid"}
)
"""What TrustedForm's and Jornaya's scripts put into a form: a certificate that is cut is none."""

SPLIT = "split"
"""`name` is taken apart and sent as the places of firstName and lastName."""

PLACES: Mapping[str, Mapping[str, str]] = {
    "name": {"aicore": "full_name", "kartra": SPLIT, "leadconduit": SPLIT, "vcita": SPLIT},
    "firstName": {
        "aicore": "first_name",
        "kartra": "first_name",
        "leadconduit": "first_name",
        "vcita": "first_name",
    },
    "lastName": {
        "aicore": "last_name",
        "kartra": "last_name",
        "leadconduit": "last_name",
        "vcita": "last_name",
    },
    "phone": {"aicore": "phone", "kartra": "phone", "leadconduit": "phone_1", "vcita": "phone"},
    "second_phone": {"aicore": "cell", "leadconduit": "phone_2"},
    "email": {"aicore": "email", "kartra": "email", "leadconduit": "email", "vcita": "email"},
    "address": {"aicore": "address", "kartra": "address", "leadconduit": "address_1", "vcita": "address"},
    "city": {"aicore": "city", "kartra": "city", "leadconduit": "city"},
    "state": {"aicore": "state", "kartra": "state", "leadconduit": "state"},
    "zip": {"aicore": "zip", "kartra": "zip", "leadconduit": "postal_code"},
    "compName": {"aicore": "company", "kartra": "company", "leadconduit": "company"},
    "smsok": {
        "aicore": "ok_to_text",
        "leadconduit": "mobile_opt_in",
        "vcita": "opt_in_transactional_sms",
    },
    "tag": {"aicore": "tags", "kartra": "assign_tag", "vcita": "tags"},
    "notes": {"aicore": "note", "leadconduit": "comments", "vcita": "message_data"},
    "external_id": {"aicore": "external_id", "leadconduit": "reference", "vcita": "unique_id"},
    "facebook": {"kartra": "facebook"},
    "linkedin": {"kartra": "linkedin"},
    "age": {"leadconduit": "age"},
    "gender": {"leadconduit": "gender"},
    "assigned_user_id": {"aicore": "ownerID"},
}
