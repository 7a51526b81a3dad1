# shellcheck shell=bash
# An instance's requests to AWS, by curl and its own signatures; the other scripts source it.
# Only tests set INSTANCE_CONF, IMDS and AWS_ENDPOINT.

# shellcheck disable=SC1090
. "${INSTANCE_CONF:-/etc/overround/instance.conf}"
IMDS=${IMDS:-http://169.254.169.254}

imds() { # PATH: the instance's metadata, by a token of its own
    local token
    token=$(curl -sf -m 5 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' \
        "$IMDS/latest/api/token") || return 1
    curl -sf -m 5 -H "X-aws-ec2-metadata-token: $token" "$IMDS/latest/meta-data/$1"
}

# aws_call SERVICE CURL-ARGUMENTS…: a signed POST.  The key goes by a pipe, not by the
# command line, which every process can read.
aws_call() {
    local service=$1 role keys endpoint
    shift
    role=$(imds iam/security-credentials/) || return 1
    keys=$(imds "iam/security-credentials/$role") || return 1
    endpoint=${AWS_ENDPOINT:-https://${ENDPOINT_NAME:-$service}.$REGION.amazonaws.com}
    curl -sf -m 20 --retry 4 --aws-sigv4 "aws:amz:$REGION:$service" \
        --config <(jq -r '"user = \"\(.AccessKeyId):\(.SecretAccessKey)\"",
            "header = \"x-amz-security-token: \(.Token)\""' <<<"$keys") \
        "$@" "$endpoint/"
}

secret() { # ARN: its value
    jq -n --arg id "$1" '{SecretId: $id}' | aws_call secretsmanager \
        -H 'Content-Type: application/x-amz-json-1.1' \
        -H 'X-Amz-Target: secretsmanager.GetSecretValue' --data-binary @- | jq -er .SecretString
}

registry_password() {
    ENDPOINT_NAME=api.ecr aws_call ecr -H 'Content-Type: application/x-amz-json-1.1' \
        -H 'X-Amz-Target: AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken' \
        --data-binary '{}' | jq -er '.authorizationData[0].authorizationToken' |
        base64 -d | cut -d: -f2-
}

drained() { # tells the group that this instance may end
    aws_call autoscaling -H 'Content-Type: application/x-www-form-urlencoded' \
        --data-urlencode Action=CompleteLifecycleAction --data-urlencode Version=2011-01-01 \
        --data-urlencode "AutoScalingGroupName=$GROUP" --data-urlencode "LifecycleHookName=$HOOK" \
        --data-urlencode "InstanceId=$(imds instance-id)" \
        --data-urlencode LifecycleActionResult=CONTINUE
}
