"""The account's side of datashares: which there are, and who of another account may use them.

The sandbox has one account. A datashare may be given to that very account, and then asks for authorisation and association as one of another account
does; what is given to any other account is on record only.
"""

from __future__ import annotations

from datetime import UTC
from typing import Any

from sandbox.kernel import ACCOUNT, REGION, ApiError
from sandbox.redshift.answers import Answer, Params, not_supported, refuse_unsupported
from sandbox.redshift.clusters_records import arn
from sandbox.redshift.clusters_reserved import Reserved
from sandbox.redshift.clusters_rules import combination
from sandbox.redshift.clusters_state import described
from sandbox.sql.shares import Consumer, Share
from sandbox.world import Caller


class Datashares(Reserved):
    """DescribeDataShares and what accounts agree on."""

    def describe_data_shares(self, params: Params, _caller: Caller) -> Answer:
        wanted = params.get("DataShareArn")
        chosen = [self._share(wanted)] if wanted else self.world.databases.shares.all()
        return described("DataShares", chosen, params, _arn, _describe)

    def describe_data_shares_for_producer(self, params: Params, _caller: Caller) -> Answer:
        chosen = [one for one in self.world.databases.shares.all() if _is_namespace(params.get("ProducerArn"), one.producer)]
        return described("DataShares", _in_status(chosen, params.get("Status")), params, _arn, _describe)

    def describe_data_shares_for_consumer(self, params: Params, _caller: Caller) -> Answer:
        wanted = params.get("ConsumerArn")
        chosen = [share for share in self.world.databases.shares.all() if any(_concerns(consumer, wanted) for consumer in share.consumers)]
        return described("DataShares", _in_status(chosen, params.get("Status")), params, _arn, _describe)

    def authorize_data_share(self, params: Params, _caller: Caller) -> Answer:
        return self._agree(params, ("PENDING_AUTHORIZATION", "DEAUTHORIZED"), "AUTHORIZED")

    def deauthorize_data_share(self, params: Params, _caller: Caller) -> Answer:
        return self._agree(params, ("AUTHORIZED", "ACTIVE"), "DEAUTHORIZED")

    def associate_data_share_consumer(self, params: Params, _caller: Caller) -> Answer:
        share = self._share(params["DataShareArn"])
        namespace = _consumer(params)
        status = next((one.status for one in share.consumers if one.account == ACCOUNT and not one.namespace), None)
        if status not in ("AUTHORIZED", "ACTIVE"):
            raise _fault(f"The datashare {share.name} is not authorized for the account {ACCOUNT}.")
        self.world.databases.shares.associate(share.share_id, ACCOUNT, namespace)
        return _describe(self._share(params["DataShareArn"]))

    def disassociate_data_share_consumer(self, params: Params, _caller: Caller) -> Answer:
        share = self._share(params["DataShareArn"])
        namespace = _consumer(params)
        if not any(one.account == ACCOUNT and one.namespace == namespace for one in share.consumers):
            raise _fault(f"The datashare {share.name} is not associated with the namespace {namespace}.")
        self.world.databases.shares.dissociate(share.share_id, ACCOUNT, namespace)
        return _describe(self._share(params["DataShareArn"]))

    def _agree(self, params: Params, before: tuple[str, ...], after: str) -> Answer:
        share, account = self._share(params["DataShareArn"]), params["ConsumerIdentifier"]
        refuse_unsupported(params, ["AllowWrites"])
        status = next((one.status for one in share.consumers if one.account == account and not one.namespace), None)
        if status is None:
            raise _fault(f"The datashare {share.name} has no consumer {account}.")
        if status not in before:
            raise _fault(f"The consumer {account} of the datashare {share.name} is {status}.")
        self.world.databases.shares.set_status(share.share_id, account, after)
        return _describe(self._share(params["DataShareArn"]))

    def _share(self, wanted: str) -> Share:
        for share in self.world.databases.shares.all():
            if _arn(share) == wanted:
                return share
        raise _fault(f"The datashare {wanted} does not exist.")


def _fault(message: str) -> ApiError:
    return ApiError("InvalidDataShareFault", message)


def _arn(share: Share) -> str:
    return arn("datashare", f"{share.producer}/{share.name}")


def _describe(share: Share) -> Answer:
    return {
        "DataShareArn": _arn(share),
        "ProducerArn": arn("namespace", share.producer),
        "AllowPubliclyAccessibleConsumers": share.public_accessible,
        "DataShareAssociations": [_association(one) for one in share.consumers],
    }


def _association(consumer: Consumer) -> dict[str, Any]:
    whose = f"DataCatalog/{consumer.account}" if consumer.via_data_catalog else consumer.account
    return {
        "ConsumerIdentifier": arn("namespace", consumer.namespace) if consumer.namespace else whose,
        "Status": consumer.status,
        "ConsumerRegion": REGION,
        "CreatedDate": consumer.share_date.replace(tzinfo=UTC),
        "StatusChangeDate": consumer.status_date.replace(tzinfo=UTC),
    }


def _is_namespace(wanted: str | None, namespace: str) -> bool:
    return wanted is None or wanted.replace("/", ":").rpartition(":")[2] == namespace


def _concerns(consumer: Consumer, wanted: str | None) -> bool:
    return _is_namespace(wanted, consumer.namespace) if consumer.namespace else consumer.account == ACCOUNT and wanted is None


def _in_status(shares: list[Share], status: str | None) -> list[Share]:
    return [one for one in shares if status is None or any(consumer.status == status for consumer in one.consumers)]


def _consumer(params: Params) -> str:
    """The namespace that is meant; of an account as a whole or of a region the sandbox knows nothing."""
    given = [name for name in ("AssociateEntireAccount", "DisassociateEntireAccount", "ConsumerArn", "ConsumerRegion") if params.get(name)]
    if len(given) != 1:
        raise combination("Give exactly one of the entire account, ConsumerArn and ConsumerRegion.")
    if given != ["ConsumerArn"]:
        raise not_supported(f"The parameter {given[0]}")
    refuse_unsupported(params, ["AllowWrites"])
    return str(params["ConsumerArn"]).replace("/", ":").rpartition(":")[2]
