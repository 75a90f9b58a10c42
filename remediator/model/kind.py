"""The kinds of ACK that we meet: those of its lambda-controller, and what they refer to."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

FUNCTION = "Function"
LAMBDA_GROUP = "lambda.services.k8s.aws"


class Kind(Struct, frozen=True):
    """One kind: where the API server serves it, and the fields of its spec that refer to others, each to which kind.

    A field is the path in the spec; `[]` stands for every entry of a list.
    """

    name: str
    plural: str
    group: str
    references: tuple[tuple[str, str], ...] = ()

    @property
    def finalizer(self) -> str:
        """ACK's own finalizer on it (code-generator templates/pkg/resource/descriptor.go.tpl)."""
        return f"finalizers.{self.group}/{self.name}"

    @property
    def collection(self) -> str:
        """What kubectl takes for it, whatever else has that plural."""
        return f"{self.plural}.{self.group}"


_VPC = ("vpcRef", "VPC")

# All of them v1alpha1, in the order in which one can make the next unwell.
# References in the order in which the generated code resolves them (lambda-controller pkg/resource/*/references.go; of
# the others, apis/v1alpha1 of iam-controller and ec2-controller). Those to Secrets are not followed: what they hold is
# nobody's business.
_KINDS = (
    Kind("CodeSigningConfig", "codesigningconfigs", LAMBDA_GROUP),
    Kind("LayerVersion", "layerversions", LAMBDA_GROUP),
    Kind(
        FUNCTION,
        "functions",
        LAMBDA_GROUP,
        (
            ("code.s3BucketRef", "Bucket"),
            ("codeSigningConfigRef", "CodeSigningConfig"),
            ("kmsKeyRef", "Key"),
            ("roleRef", "Role"),
            ("vpcConfig.securityGroupRefs[]", "SecurityGroup"),
            ("vpcConfig.subnetRefs[]", "Subnet"),
        ),
    ),
    Kind("Alias", "aliases", LAMBDA_GROUP, (("functionRef", FUNCTION),)),
    Kind("Version", "versions", LAMBDA_GROUP, (("functionRef", FUNCTION),)),
    Kind("FunctionURLConfig", "functionurlconfigs", LAMBDA_GROUP, (("functionRef", FUNCTION),)),
    Kind(
        "EventSourceMapping",
        "eventsourcemappings",
        LAMBDA_GROUP,
        (("eventSourceRef", "Cluster"), ("functionRef", FUNCTION), ("queueRefs[]", "Broker")),
    ),
    Kind(
        "Role",
        "roles",
        "iam.services.k8s.aws",
        (("permissionsBoundaryRef", "Policy"), ("policyRefs[]", "Policy")),
    ),
    Kind("Policy", "policies", "iam.services.k8s.aws"),
    Kind("Subnet", "subnets", "ec2.services.k8s.aws", (("routeTableRefs[]", "RouteTable"), _VPC)),
    Kind("SecurityGroup", "securitygroups", "ec2.services.k8s.aws", (_VPC,)),
    Kind(
        "RouteTable",
        "routetables",
        "ec2.services.k8s.aws",
        (
            ("routes[].gatewayRef", "InternetGateway"),
            ("routes[].natGatewayRef", "NATGateway"),
            ("routes[].transitGatewayRef", "TransitGateway"),
            ("routes[].vpcEndpointRef", "VPCEndpoint"),
            _VPC,
        ),
    ),
    Kind("InternetGateway", "internetgateways", "ec2.services.k8s.aws", (_VPC,)),
    Kind(
        "NATGateway",
        "natgateways",
        "ec2.services.k8s.aws",
        (("allocationRef", "ElasticIPAddress"), ("subnetRef", "Subnet")),
    ),
    Kind("ElasticIPAddress", "elasticipaddresses", "ec2.services.k8s.aws"),
    Kind("TransitGateway", "transitgateways", "ec2.services.k8s.aws"),
    Kind(
        "VPCEndpoint",
        "vpcendpoints",
        "ec2.services.k8s.aws",
        (
            ("routeTableRefs[]", "RouteTable"),
            ("securityGroupRefs[]", "SecurityGroup"),
            ("subnetRefs[]", "Subnet"),
            _VPC,
        ),
    ),
    Kind("VPC", "vpcs", "ec2.services.k8s.aws"),
    Kind("Key", "keys", "kms.services.k8s.aws"),
    Kind("Bucket", "buckets", "s3.services.k8s.aws"),
    Kind("Cluster", "clusters", "kafka.services.k8s.aws"),
    Kind("Broker", "brokers", "mq.services.k8s.aws"),
)

KINDS: Mapping[str, Kind] = {each.name: each for each in _KINDS}
LAMBDA_KINDS: tuple[Kind, ...] = tuple(each for each in _KINDS if each.group == LAMBDA_GROUP)
OTHER_KINDS: tuple[Kind, ...] = tuple(each for each in LAMBDA_KINDS if each.name != FUNCTION)
