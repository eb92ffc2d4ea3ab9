"""`make demo`: two warehouses through their life on a local AWS, with every step checked. Exit code 0 only when all held."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from sandbox import demo_inside
from sandbox.deploy import DeployError
from sandbox.driver import Driver, Ended, StillRunningError
from sandbox.process import Sandbox, SandboxError

_ROWS = 300
_REGIONS = ("north", "south", "east", "west")
_AGGREGATE = "SELECT region, COUNT(*) AS orders, SUM(amount) AS amount FROM sales GROUP BY region ORDER BY region"
#: Keeps the cluster busy for some seconds: a join of the table with itself, three times over.
_LONG_QUERY = "SELECT COUNT(*) AS combinations FROM sales a, sales b, sales c WHERE a.amount + b.amount > c.amount"


class NotAsExpectedError(Exception):
    """A step did not do what it should have; the message says what was seen."""


def expect(condition: object, seen: object) -> None:
    """Stop the demo unless the condition holds."""
    if not condition:
        raise NotAsExpectedError(str(seen))


class Demo:
    """The account of the run, line by line, and the steps it consists of."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._number = 0

    @contextmanager
    def step(self, title: str) -> Iterator[Callable[[str], None]]:
        """Show a step while it runs, then how long it took and what came of it."""
        self._number += 1
        notes: list[str] = []
        started = time.monotonic()
        with self.console.status(f"{title} ..."):
            yield notes.append
        self.console.print(f"[green]✓[/green] {self._number:2}. {title} [dim]{time.monotonic() - started:5.1f} s[/dim]")
        for note in notes:
            self.console.print(f"       {note}", style="dim", markup=False)

    def run(self) -> None:
        """All steps, from nothing to the same rows after a pause."""
        sandbox = Sandbox()
        try:
            with self.step("start a local AWS") as note:
                sandbox.start()
                note(sandbox.endpoint)
            with self.step("build and deploy the template with the SAM CLI"):
                outputs = sandbox.deploy()
            driver = Driver(sandbox, outputs)
            self._provision(driver)
            before = self._load(driver)
            self._pause_while_busy(driver)
            self._sql_is_refused(driver)
            self._resume(driver)
            self._same_rows(driver, before)
            self._change(driver)
            self._inside(driver)
            self._share(driver)
            with self.step("stop everything"):
                sandbox.stop()
        finally:
            sandbox.stop()

    def _provision(self, driver: Driver) -> None:
        with self.step("provision cluster analytics and workgroup adhoc") as note:
            specs = [{"name": "analytics", "compute": {"node_type": "ra3.large", "nodes": 2}}, {"name": "adhoc", "kind": "workgroup"}]
            for ended in [driver.wait(arn) for arn in [driver.start("provision_warehouse", {"spec": spec}) for spec in specs]]:
                note(_said(_succeeded(ended)))
                expect(ended.output["changed"], ended.output)

    def _load(self, driver: Driver) -> list[Any]:
        bucket = driver.outputs["BucketName"]
        with self.step(f"put a file of {_ROWS} orders into the bucket"):
            driver.sandbox.client("s3").put_object(Bucket=bucket, Key="demo/sales.csv", Body=_orders())
        with self.step("create a table and load the file by COPY, in one transaction") as note:
            create = "CREATE TABLE sales (id INT, region VARCHAR(10), amount DECIMAL(10,2)) DISTKEY(id) SORTKEY(region)"
            copy = f"COPY sales FROM 's3://{bucket}/demo/sales.csv' IAM_ROLE default FORMAT AS CSV IGNOREHEADER 1"
            note(_said(_succeeded(driver.run("run_sql", {"warehouse": "analytics", "sql": [create, copy]}))))
        with self.step("run an aggregate") as note:
            ended = _succeeded(driver.run("run_sql", {"warehouse": "analytics", "sql": _AGGREGATE}))
            note(f"signed in by {ended.output['signed_in_as']}")
        rows = self._show(ended)
        expect(sum(row[1] for row in rows) == _ROWS, rows)
        return rows

    def _pause_while_busy(self, driver: Driver) -> None:
        with self.step("pause the cluster while a query runs: it lets the query end first") as note:
            query = driver.start("run_sql", {"warehouse": "analytics", "sql": _LONG_QUERY})
            _until_running(driver)
            pause = driver.start("pause_warehouse", {"warehouse": "analytics", "reason": "end of the demo's working day"})
            finished, paused = _succeeded(driver.wait(query)), _succeeded(driver.wait(pause))
            note(f"query: {finished.output['statements'][0]['rows'][0][0]} combinations counted in {finished.seconds:.1f} s")
            note(_said(paused))
            note("states: " + " > ".join(driver.states(pause)))
            expect(
                driver.sandbox.observe("redshift").describe_clusters(ClusterIdentifier="analytics")["Clusters"][0]["ClusterStatus"]
                == "paused",
                paused,
            )
        with self.step("pausing it again finds nothing to do") as note:
            again = _succeeded(driver.run("pause_warehouse", {"warehouse": "analytics"}))
            expect(not again.output["changed"], again.output)
            note(_said(again))
        with self.step("a workgroup needs no pause") as note:
            note(_said(_succeeded(driver.run("pause_warehouse", {"warehouse": "adhoc"}))))

    def _sql_is_refused(self, driver: Driver) -> None:
        with self.step("SQL on the paused cluster fails, and says why") as note:
            refused = driver.run("run_sql", {"warehouse": "analytics", "sql": _AGGREGATE})
            expect(refused.status == "FAILED" and refused.error == "WarehouseUnavailable", refused)
            note(f"{refused.error}: {refused.cause}")

    def _resume(self, driver: Driver) -> None:
        with self.step("resume the cluster: ends when it answers SQL") as note:
            note(_said(_succeeded(driver.run("resume_warehouse", {"warehouse": "analytics", "reason": "start of the next day"}))))

    def _same_rows(self, driver: Driver, before: list[Any]) -> None:
        with self.step("the same rows are there again"):
            ended = _succeeded(driver.run("run_sql", {"warehouse": "analytics", "sql": _AGGREGATE}))
        expect(self._show(ended) == before, before)

    def _change(self, driver: Driver) -> None:
        spec = {
            "name": "analytics",
            "compute": {"node_type": "ra3.large", "nodes": 4},
            "backups": {"automated_days": 14},
            "tags": {"team": "data"},
        }
        with self.step("plan a changed spec: what would happen, and nothing does") as note:
            planned = _succeeded(driver.run("provision_warehouse", {"spec": spec, "dry_run": True}))
            expect(planned.output["action"] == "change", planned.output)
            note(planned.output["reason"])
        self._show_plan(planned.output["changes"])
        with self.step("apply it: one change at a time, each waited for") as note:
            note(_said(_succeeded(driver.run("provision_warehouse", {"spec": spec, "reason": "the quarter's figures"}))))
            cluster = driver.sandbox.observe("redshift").describe_clusters(ClusterIdentifier="analytics")["Clusters"][0]
            expect((cluster["NumberOfNodes"], cluster["AutomatedSnapshotRetentionPeriod"]) == (4, 14), cluster)
        with self.step("applying it again finds nothing to do") as note:
            again = _succeeded(driver.run("provision_warehouse", {"spec": spec}))
            expect(not again.output["changed"], again.output)
            note(_said(again))

    def _inside(self, driver: Driver) -> None:
        spec = {"name": "analytics", **demo_inside.SECTIONS}
        with self.step("make customers with their cards, a file in a data lake, and a record in a Kinesis stream"):
            _succeeded(driver.run("run_sql", {"warehouse": "analytics", "sql": demo_inside.prepare(driver, "analytics")}))
        with self.step("declare roles, users, grants, a mask, an external schema and a stream: plan, then apply") as note:
            planned = _succeeded(driver.run("configure_warehouse", {"spec": spec, "dry_run": True}))
            note(f"planned: {planned.output['reason']}; the first: {planned.output['steps'][0]['sql']}")
            note(_said(_succeeded(driver.run("configure_warehouse", {"spec": spec}))))
        with self.step("applying it again finds nothing to do") as note:
            again = _succeeded(driver.run("configure_warehouse", {"spec": spec}))
            expect(not again.output["changed"], again.output)
            note(_said(again))
        with self.step("the same column, seen by two users") as note:
            for user, card in (("ada", "4111222233334444"), ("sam", "************4444")):
                seen = demo_inside.seen_by(driver, "analytics", user, "SELECT card FROM crm.customers WHERE id = 1")
                expect(seen == [[card]], seen)
                note(f"{user}: {card}")
        with self.step("read the file in S3 through the external schema, and the record of the stream") as note:
            stores = demo_inside.seen_by(driver, "analytics", "ada", "SELECT id, city FROM lake.stores ORDER BY id")
            expect(stores == [[1, "Berlin"], [2, "Lyon"]], stores)
            clicks = demo_inside.seen_by(driver, "analytics", "ada", "SELECT data.page::varchar FROM clicks")
            expect(clicks == [["home"]], clicks)
            note(f"stores: {stores}; clicks: {clicks}")
            refused = demo_inside.seen_by(driver, "analytics", "sam", "SELECT data.page::varchar FROM clicks")
            expect("permission denied" in refused, refused)
            note(f"sam, who has no right to the stream: {refused}")

    def _share(self, driver: Driver) -> None:
        with self.step("share the schema shop of analytics with adhoc, and read it there") as note:
            note(_said(_succeeded(driver.run("share_data", {"producer": "analytics", "consumer": "adhoc", "schemas": ["shop"]}))))
            ended = _succeeded(
                driver.run("run_sql", {"warehouse": "adhoc", "sql": "SELECT item, price FROM shop.shop.prices ORDER BY item"})
            )
        rows = self._show(ended)
        expect([row[0] for row in rows] == ["cup", "tea"], rows)

    def _show_plan(self, changes: list[dict[str, Any]]) -> None:
        table = Table("step", "field", "from", "to", "consequence", box=None, padding=(0, 2), header_style="bold")
        for change in changes:
            table.add_row(change["action"], change["field"], str(change["before"]), str(change["after"]), change.get("consequence", ""))
        self.console.print(table)

    def _show(self, ended: Ended) -> list[Any]:
        statement = ended.output["statements"][0]
        table = Table(*statement["columns"], box=None, padding=(0, 2), header_style="bold")
        for row in statement["rows"]:
            table.add_row(*(str(value) for value in row))
        self.console.print(table)
        rows: list[Any] = statement["rows"]
        return rows


def _succeeded(ended: Ended) -> Ended:
    expect(ended.succeeded, f"{ended.arn} ended as {ended.status}: {ended.error}: {ended.cause}")
    return ended


def _said(ended: Ended) -> str:
    return f"{ended.output['event']} after {ended.seconds:.1f} s: {ended.output['detail']}"


def _until_running(driver: Driver, seconds: float = 20) -> None:
    """Wait until the statement that a workflow waits for runs in the database."""
    table, data = driver.sandbox.observe("dynamodb"), driver.sandbox.observe("redshift-data")
    waiting = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": "CALLBACK#statement"}}}
    deadline = time.monotonic() + seconds
    while True:
        items = table.query(TableName=driver.outputs["TableName"], **waiting)["Items"]
        if any(data.describe_statement(Id=item["sk"]["S"])["Status"] == "STARTED" for item in items):
            return
        expect(time.monotonic() < deadline, "the long query did not start")
        time.sleep(0.05)


def _orders() -> bytes:
    numbers = random.Random(7)
    lines = (f"{number},{numbers.choice(_REGIONS)},{numbers.uniform(5, 500):.2f}" for number in range(1, _ROWS + 1))
    return ("id,region,amount\n" + "\n".join(lines) + "\n").encode()


def main() -> int:
    """Run the demo; 0 when every step held."""
    console, started = Console(highlight=False, soft_wrap=True), time.monotonic()
    console.print(Panel.fit("Redshift Autopilot: a cluster and a workgroup through their life", border_style="cyan"))
    try:
        Demo(console).run()
    except (NotAsExpectedError, StillRunningError, SandboxError, DeployError) as error:
        console.print(f"[red]✗ stopped:[/red] {error}", markup=True)
        return 1
    console.print(f"[green]every step held[/green], {time.monotonic() - started:.0f} s in all")
    return 0


if __name__ == "__main__":
    sys.exit(main())
