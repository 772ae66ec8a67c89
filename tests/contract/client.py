"""A client that openapi-python-client made of the document, at a running server. Arguments: the server's URL, an API key."""

import datetime, sys
from licet_client import AuthenticatedClient
from licet_client.api.customers import create_customer
from licet_client.api.license_ import activate_license
from licet_client.api.licenses import create_licenses, list_licenses, read_license
from licet_client.api.policies import create_policy, read_policy
from licet_client.api.products import create_product
from licet_client.models import (
    ActivateRequest, CreateCustomer, CreateLicenses, CreatePolicy, CreateProduct, Fingerprint, LicenseStatus, Problem, VersionScheme,
)

client = AuthenticatedClient(base_url=sys.argv[1], token=sys.argv[2], prefix="", auth_header_name="X-API-Key")
product = create_product.sync(client=client, body=CreateProduct.from_dict({"code": "studio", "name": "Studio"}))
assert product.version_scheme == VersionScheme.SEMVER, product
terms = {"code": "team", "product": "studio", "seats": 1, "duration_days": 30, "features": {"export": True, "trial": "2027-01-31T12:00:00Z"},
         "limits": {"pages": 100, "scans": {"limit": 5, "overage": "soft"}}}
policy = create_policy.sync(client=client, body=CreatePolicy.from_dict(terms), idempotency_key="once")
assert policy.features["export"] is True and policy.created_at.tzinfo is not None, policy
assert read_policy.sync(policy.id, client=client).limits["pages"] == 100
customer = create_customer.sync(client=client, body=CreateCustomer(name="Universität Wien", email="licenses@univie.ac.at"))
issued = create_licenses.sync(client=client, body=CreateLicenses(customer_id=customer.id, policy="team")).items[0]
license = read_license.sync(issued.id, client=client)
assert license.status == LicenseStatus.ACTIVE and license.expires_at - license.valid_from == datetime.timedelta(days=30), license
page = list_licenses.sync(client=client, customer_id=customer.id, limit=1)
assert page.total >= 0 and page.next_cursor is None, page


def activate(number):
    machine = Fingerprint(cpu_id="one model", system_uuid=f"00000000-0000-4000-8000-00000000000{number}")
    return activate_license.sync(client=client, body=ActivateRequest(license_key=issued.key, fingerprint=machine))


assert activate(1).license_.seats == 1
full = activate(2)
assert isinstance(full, Problem) and full.code == "ACTIVATION_LIMIT_REACHED" and full["limit"] == 1, full
print("well")
