/* What gives keys answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "archive/aws_keys.h"

static void test_json_of_metadata_is_read(void **state)
{
    struct aws_key key;

    (void)state;
    assert_true(aws_key_read_json(STR("{\"Code\":\"Success\",\"Type\":\"AWS-HMAC\",\"AccessKeyId\":"
                                      "\"ASIA1\",\"SecretAccessKey\":\"s/+=\",\"Token\":\"t\","
                                      "\"Expiration\":\"2026-11-30T15:00:00Z\",\"new\":[1]}"),
                                  &key));
    assert_string_equal(key.id, "ASIA1");
    assert_string_equal(key.secret, "s/+=");
    assert_string_equal(key.session, "t");
    assert_int_equal(key.expires_ms, 1796050800000);
    assert_true(aws_key_read_json(STR("{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"s\"}"), &key));
    assert_string_equal(key.session, "");
    assert_int_equal(key.expires_ms, 0);
}

static void test_what_is_no_key_is_none(void **state)
{
    static const char *const wrong[] = {
        "", "{}", "[]", "null", "{\"AccessKeyId\":\"a\"}",
        "{\"Code\":\"Failed\",\"Message\":\"no role\"}",
        "{\"AccessKeyId\":1,\"SecretAccessKey\":\"s\"}",
        "{\"AccessKeyId\":\"\",\"SecretAccessKey\":\"s\"}",
        "{\"AccessKeyId\":\"a:b\",\"SecretAccessKey\":\"s\"}",
        "{\"AccessKeyId\":\"a\\r\\nx: y\",\"SecretAccessKey\":\"s\"}",
        "{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"s\",\"Token\":\"t\\nx\"}",
        "{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"s\",\"Expiration\":\"tomorrow\"}",
        "{\"AccessKeyId\":\"a\",\"AccessKeyId\":\"b\",\"SecretAccessKey\":\"s\"}",
        "{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"s\"",
    };
    struct aws_key key;

    (void)state;
    for (size_t i = 0; i < LENGTH(wrong); i++)
        if (aws_key_read_json(str_of(wrong[i]), &key))
            fail_msg("%s", wrong[i]);
}

#define CREDENTIALS(inside) "<R><Result><Credentials>" inside "</Credentials></Result></R>"
#define PARTS "<AccessKeyId>a</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"

static void test_xml_of_sts_is_read(void **state)
{
    static const char *const wrong[] = {
        "", "<R/>", "<R>" PARTS "<SessionToken>t</SessionToken></R>", CREDENTIALS(PARTS),
        CREDENTIALS("<x>" PARTS "<SessionToken>t</SessionToken></x>"),
        CREDENTIALS(PARTS "<SessionToken>t</SessionToken><AccessKeyId>b</AccessKeyId>"),
        CREDENTIALS(PARTS "<SessionToken>t</SessionToken><Expiration>x</Expiration>"),
        "<!DOCTYPE x>" CREDENTIALS(PARTS "<SessionToken>t</SessionToken>"),
        "<R><Result><Credentials>" PARTS "<SessionToken>t</SessionToken>",
    };
    struct aws_key key;

    (void)state;
    assert_true(aws_key_read_sts(STR(CREDENTIALS(PARTS "<SessionToken>t&amp;u</SessionToken>"
                                                 "<Expiration>2026-11-30T15:00:00Z</Expiration>")),
                                 &key));
    assert_string_equal(key.id, "a");
    assert_string_equal(key.secret, "s");
    assert_string_equal(key.session, "t&u");
    assert_int_equal(key.expires_ms, 1796050800000);
    for (size_t i = 0; i < LENGTH(wrong); i++)
        if (aws_key_read_sts(str_of(wrong[i]), &key))
            fail_msg("%s", wrong[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_of_metadata_is_read),
        cmocka_unit_test(test_what_is_no_key_is_none),
        cmocka_unit_test(test_xml_of_sts_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
