"""Which functions have a tag, as the Resource Groups Tagging API tells it."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from remediator.sandbox.cloud import Cloud
from tests.sandbox.cloud.conftest import OTHER, Clients

TAGGING = "resourcegroupstaggingapi"


def arns(page: dict[str, object]) -> list[str]:
    mappings = page["ResourceTagMappingList"]
    assert isinstance(mappings, list)
    return [each["ResourceARN"].rpartition(":")[2] for each in mappings]


def test_functions_are_found_by_their_tags(cloud: Cloud, client: Clients) -> None:
    arn = cloud.create_function("orders", Tags={"team": "shop", "tier": "gold"})
    cloud.create_function("bare")
    cloud.create_function("post", Tags={"team": "post"})
    ask = client(TAGGING).get_resources
    [found] = ask(ResourceTypeFilters=["lambda:function"], TagFilters=[{"Key": "tier"}])["ResourceTagMappingList"]
    assert found["ResourceARN"] == arn
    assert {each["Key"]: each["Value"] for each in found["Tags"]} == {"team": "shop", "tier": "gold"}
    assert arns(ask()) == ["orders", "post"], "never what has no tags"
    assert arns(ask(TagFilters=[{"Key": "team", "Values": ["post", "x"]}])) == ["post"]
    assert arns(ask(TagFilters=[{"Key": "team"}, {"Key": "tier"}])) == ["orders"]
    assert arns(ask(ResourceTypeFilters=["s3"])) == []


def test_tags_of_later_are_found_and_those_taken_away_are_not(cloud: Cloud, client: Clients) -> None:
    arn = cloud.create_function("orders", Tags={"team": "shop"})
    client().tag_resource(Resource=arn, Tags={"tier": "gold"})
    client().untag_resource(Resource=arn, TagKeys=["team"])
    ask = client(TAGGING).get_resources
    assert arns(ask(TagFilters=[{"Key": "tier"}])) == ["orders"]
    assert arns(ask(TagFilters=[{"Key": "team"}])) == []


def test_it_answers_in_pages(cloud: Cloud, client: Clients) -> None:
    for number in range(5):
        cloud.create_function(f"f-{number}", Tags={"team": "shop"})
    pages = client(TAGGING).get_paginator("get_resources").paginate(ResourcesPerPage=2)
    assert [arns(each) for each in pages] == [["f-0", "f-1"], ["f-2", "f-3"], ["f-4"]]


def test_accounts_and_regions_are_apart(cloud: Cloud, client: Clients) -> None:
    cloud.identify("AKIAOTHER", OTHER)
    cloud.create_function("here", Tags={"team": "shop"})
    cloud.create_function("there", region="eu-west-1", Tags={"team": "shop"})
    cloud.create_function("theirs", account=OTHER, Tags={"team": "shop"})
    assert arns(client(TAGGING).get_resources()) == ["here"]
    assert arns(client(TAGGING, region="eu-west-1").get_resources()) == ["there"]
    assert arns(client(TAGGING, access_key="AKIAOTHER").get_resources()) == ["theirs"]


def test_what_it_refuses_has_its_own_words(cloud: Cloud, client: Clients) -> None:
    tagging = client(TAGGING)
    cloud.deny("GetResources", times=1)
    with pytest.raises(ClientError, match=r"AccessDeniedException.* perform: tag:GetResources on resource: \* because"):
        tagging.get_resources()
    cloud.throttle("GetResources", times=1)
    with pytest.raises(ClientError, match=r"ThrottledException.*Rate exceeded"):
        tagging.get_resources()
    with pytest.raises(ClientError, match="PaginationTokenExpiredException"):
        tagging.get_resources(PaginationToken="gone")
    with pytest.raises(ClientError, match="InvalidParameterException"):
        tagging.get_resources(ResourcesPerPage=101)
    with pytest.raises(ClientError, match="UnknownOperationException"):
        tagging.get_tag_keys()
    assert [each.operation for each in cloud.calls][-2:] == ["GetResources", "GetTagKeys"]
