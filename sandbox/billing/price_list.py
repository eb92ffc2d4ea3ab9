"""The Price List service: GetProducts over the published prices."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from sandbox.billing.published import PRICES, PUBLISHED_ON, Price
from sandbox.kernel import REGION, ApiError
from sandbox.world import Caller

Json = dict[str, Any]
SERVICE_CODE = "AmazonRedshift"
#: Source: GetProducts, `MaxResults`.
_LARGEST_PAGE = 100


class PriceList:
    """Implements the operations of `pricing`. Filters of the type TERM_MATCH compare one attribute, as AWS's do."""

    def get_products(self, params: Json, _caller: Caller) -> Json:
        if params["ServiceCode"] != SERVICE_CODE:
            raise ApiError(
                "InvalidParameterException", f"The sandbox publishes prices of {SERVICE_CODE} only, not of {params['ServiceCode']}."
            )
        size, token = params.get("MaxResults", _LARGEST_PAGE), params.get("NextToken", "0")
        if not token.isdecimal():
            raise ApiError("InvalidNextTokenException", "The pagination token is invalid. Try again without a pagination token.")
        found = [product for product in map(_product, PRICES) if all(_fits(product, one) for one in params.get("Filters", []))]
        start = int(token)
        page: Json = {"FormatVersion": "aws_v1", "PriceList": [json.dumps(one) for one in found[start : start + size]]}
        return page | ({"NextToken": str(start + size)} if start + size < len(found) else {})


def _fits(product: Json, one: Json) -> bool:
    about = {**product["product"]["attributes"], "productFamily": product["product"]["productFamily"]}
    if one["Type"] != "TERM_MATCH":
        raise ApiError("InvalidParameterException", f"The sandbox knows filters of the type TERM_MATCH only, not {one['Type']}.")
    return bool(about.get(one["Field"], "").lower() == one["Value"].lower())


def _product(price: Price) -> Json:
    sku = hashlib.sha256(price.usage_type.encode()).hexdigest()[:16].upper()
    attributes = {
        "servicecode": SERVICE_CODE,
        "servicename": "Amazon Redshift",
        "location": "US East (N. Virginia)",
        "locationType": "AWS Region",
        "regionCode": REGION,
        "usagetype": price.usage_type,
        **({"instanceType": price.node_type} if price.node_type else {}),
    }
    rate = {"unit": price.unit, "beginRange": "0", "endRange": "Inf", "pricePerUnit": {"USD": price.usd}, "rateCode": f"{sku}.OD.RATE"}
    term = {"sku": sku, "effectiveDate": PUBLISHED_ON, "priceDimensions": {f"{sku}.OD.RATE": rate}, "termAttributes": {}}
    return {
        "product": {"sku": sku, "productFamily": price.family, "attributes": attributes},
        "serviceCode": SERVICE_CODE,
        "terms": {"OnDemand": {f"{sku}.OD": term}},
        "publicationDate": PUBLISHED_ON,
    }
