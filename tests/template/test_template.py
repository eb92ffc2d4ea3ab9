"""The template keeps the rules of the house, and each rule notices a template that does not."""

from __future__ import annotations

import pytest

from tests.template import template_rules as rules
from tests.template.template_rules import Rule, Template

GOOD = """
Globals:
  Function:
    Runtime: python3.13
    Architectures: [arm64]
    Handler: app.handler
    Tracing: Active
    Timeout: 30
    MemorySize: 256
    Layers: [!Ref CommonLayer]
Resources:
  WakeFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/wake/
      LoggingConfig: {LogGroup: !Ref WakeLogs}
      DeadLetterQueue: {Type: SQS, TargetArn: !GetAtt DeadLetters.Arn}
      Policies:
        - Version: "2012-10-17"
          Statement:
            - {Effect: Allow, Action: [redshift:DescribeClusters], Resource: "*"}  # has no resource-level permissions
      Events:
        Hint:
          Type: EventBridgeRule
          Properties: {Pattern: {source: [aws.redshift-data]}, DeadLetterConfig: {Type: SQS}}
        Weekly:
          Type: ScheduleV2
          Properties: {Name: !Sub "${AWS::StackName}-weekly", DeadLetterConfig: {Type: SQS}}
  ReportFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/report/
  ReportLogs:
    Type: AWS::Logs::LogGroup
    Properties: {LogGroupName: !Sub "/aws/lambda/${ReportFunction}", RetentionInDays: 30}
  WakeLogs:
    Type: AWS::Logs::LogGroup
    Properties: {RetentionInDays: 30}
  Subscription:
    Type: AWS::SNS::Subscription
    Properties:
      Protocol: lambda
      Endpoint: !GetAtt WakeFunction.Arn
      RedrivePolicy: {deadLetterTargetArn: !GetAtt DeadLetters.Arn}
  Rule:
    Type: AWS::Events::Rule
    Properties:
      Targets: [{Id: wake, Arn: !GetAtt WakeFunction.Arn, DeadLetterConfig: {Arn: !GetAtt DeadLetters.Arn}}]
  Nightly:
    Type: AWS::Scheduler::Schedule
    Properties:
      Target: {Arn: !GetAtt WakeFunction.Arn, DeadLetterConfig: {Arn: !GetAtt DeadLetters.Arn}}
  Bucket:
    Type: AWS::S3::Bucket
    Properties:
      PublicAccessBlockConfiguration:
        BlockPublicAcls: true
        BlockPublicPolicy: true
        IgnorePublicAcls: true
        RestrictPublicBuckets: true
      VersioningConfiguration: {Status: Enabled}
      BucketEncryption: {ServerSideEncryptionConfiguration: [{ServerSideEncryptionByDefault: {SSEAlgorithm: AES256}}]}
  BucketPolicy:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !Ref Bucket
      PolicyDocument:
        Statement:
          - Effect: Deny
            Principal: "*"
            Action: s3:*
            Resource: [!GetAtt Bucket.Arn, !Sub "${Bucket.Arn}/*"]
            Condition: {Bool: {aws:SecureTransport: "false"}}
Outputs:
  ProvisionWarehouseArn: {Value: a}
  PauseWarehouseArn: {Value: a}
  ResumeWarehouseArn: {Value: a}
  RunSqlArn: {Value: a}
  BucketName: {Value: a}
  TableName: {Value: a}
  BusName: {Value: a}
  TopicArn: {Value: a}
"""

RUNTIME, LOGS = rules.functions_run_on_the_runtime_of_the_house, rules.functions_have_logs_that_expire
WIDE, EVENTS = rules.wide_resources_have_a_reason, rules.events_have_dead_letters
ASYNC, BUCKETS = rules.asynchronous_functions_have_dead_letters, rules.buckets_are_closed

#: What is done to the good template, which rule must see it, and what it must say.
BREAKS: list[tuple[Rule, str, str, str]] = [
    (RUNTIME, "python3.13", "python3.11", "Runtime is python3.11"),
    (RUNTIME, "[arm64]", "[x86_64]", "Architectures is ['x86_64']"),
    (RUNTIME, "    Tracing: Active\n", "", "Tracing is None"),
    (RUNTIME, "    Timeout: 30\n", "", "no Timeout"),
    (LOGS, "      LoggingConfig: {LogGroup: !Ref WakeLogs}\n", "", "WakeFunction: no log group"),
    (LOGS, "{ReportFunction}", "{WakeFunction}", "ReportFunction: no log group"),
    (LOGS, "{RetentionInDays: 30}", "{KmsKeyId: x}", "WakeFunction: no log group"),
    (rules.log_groups_expire, "{RetentionInDays: 30}", "{KmsKeyId: x}", "WakeLogs: no RetentionInDays"),
    (rules.actions_are_named, "redshift:DescribeClusters", '"redshift:*"', "WakeFunction: allows redshift:*"),
    (rules.actions_are_named, "redshift:DescribeClusters", "redshift:Describe*", "WakeFunction: allows redshift:Describe*"),
    (rules.actions_are_named, "Action: [redshift:DescribeClusters]", "NotAction: [iam:PassRole]", "WakeFunction: allows by NotAction"),
    (WIDE, "  # has no resource-level permissions", "", 'Resource "*" without a reason'),
    (WIDE, '"*"}  # has', '["*"]} \n# has', 'Resource "*" without a reason'),
    (EVENTS, ", DeadLetterConfig: {Type: SQS}", "", "WakeFunction: event Hint without DeadLetterConfig"),
    (EVENTS, "      RedrivePolicy: {deadLetterTargetArn: !GetAtt DeadLetters.Arn}\n", "", "Subscription: without RedrivePolicy"),
    (EVENTS, ", DeadLetterConfig: {Arn: !GetAtt DeadLetters.Arn}}]", "}]", "Rule: target wake without DeadLetterConfig"),
    (EVENTS, ", DeadLetterConfig: {Arn: !GetAtt DeadLetters.Arn}}\n", "}\n", "Nightly: without Target.DeadLetterConfig"),
    (ASYNC, "      DeadLetterQueue: {Type: SQS, TargetArn: !GetAtt DeadLetters.Arn}\n", "", "WakeFunction: is invoked asynchronously"),
    (
        ASYNC,
        "{Id: wake, Arn: !GetAtt WakeFunction.Arn,",
        "{Id: r, Arn: !GetAtt ReportFunction.Arn,",
        "ReportFunction: is invoked asynchronously",
    ),
    (BUCKETS, "IgnorePublicAcls: true", "IgnorePublicAcls: false", "Bucket: IgnorePublicAcls is not true"),
    (BUCKETS, "{Status: Enabled}", "{Status: Suspended}", "Bucket: is not versioned"),
    (BUCKETS, "ServerSideEncryptionConfiguration", "Other", "Bucket: is not encrypted"),
    (BUCKETS, "aws:SecureTransport", "aws:ViaAWSService", "Bucket: no policy denies requests without TLS"),
    (BUCKETS, '[!GetAtt Bucket.Arn, !Sub "${Bucket.Arn}/*"]', "!GetAtt Bucket.Arn", "Bucket: no policy denies requests without TLS"),
    (rules.schedules_are_named_after_the_stack, 'Name: !Sub "${AWS::StackName}-weekly", ', "", "WakeFunction: schedule Weekly has no Name"),
    (rules.schedules_are_named_after_the_stack, "${AWS::StackName}-weekly", "weekly", "WakeFunction: schedule Weekly has no Name"),
    (rules.outputs_are_complete, "  BusName: {Value: a}\n", "", "no output BusName"),
]


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_template_keeps_the_rule(rule: Rule, template: Template) -> None:
    assert rule(template) == []


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_rule_is_content_with_a_good_template(rule: Rule) -> None:
    assert rule(Template.parse(GOOD)) == []


@pytest.mark.parametrize(("rule", "old", "new", "complaint"), BREAKS, ids=lambda value: getattr(value, "__name__", None))
def test_rule_notices_a_broken_template(rule: Rule, old: str, new: str, complaint: str) -> None:
    assert old in GOOD
    assert complaint in "\n".join(rule(Template.parse(GOOD.replace(old, new, 1))))


def test_every_rule_is_shown_to_notice_a_broken_template() -> None:
    assert {rule for rule, *_ in BREAKS} == set(rules.RULES)
