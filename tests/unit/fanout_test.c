/*
 * fanout/: what the origin told, merged as the page merges it and told on; sports;
 * from which order who comes with a clk goes on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fanout/inside.h"

/* With ' for ". */
static json_t *json_of(const char *text)
{
    char copy[4096];
    size_t n = strlen(text);
    json_t *json;

    assert_true(n < sizeof(copy));
    for (size_t i = 0; i <= n; i++)
        copy[i] = text[i] == '\'' ? '"' : text[i];
    json = json_loads(copy, JSON_DECODE_ANY, NULL);
    assert_non_null(json);
    return json;
}

static enum doc_result apply(struct doc *doc, const char *text, bool image, int64_t order)
{
    json_t *event = json_of(text);
    enum doc_result result = doc_apply(doc, event, image, order);

    json_decref(event);
    return result;
}

static void assert_json(const struct buf *told, const char *want)
{
    json_t *has = json_loadb(told->p, told->n, 0, NULL), *wants = json_of(want);

    assert_non_null(has);
    if (!json_equal(has, wants))
        fail_msg("%.*s\nis not %s", (int)told->n, told->p, want);
    json_decref(has);
    json_decref(wants);
}

enum telling { IMAGE, DELTA, MERGED };

static void tells(const struct doc *doc, enum telling telling, int64_t since, const char *want)
{
    struct buf told;
    struct jw w;
    bool any = true;

    buf_init(&told, 65536);
    w = jw_to(&told);
    if (telling == IMAGE)
        doc_put_image(doc, &w);
    else
        any = telling == DELTA ? doc_put_delta(doc, since, &w) : doc_put_merged(doc, since, &w);
    assert_int_equal(any, want != NULL);
    if (want != NULL)
        assert_json(&told, want);
    buf_fini(&told);
}

#define ONE "{'market':'1','specifiers':'','name':'1x2','status':'active','version':1," \
            "'outcomes':[{'outcome':'1','name':'A','odds':'2.00','active':true}]}"
#define ONE_3 "{'market':'1','specifiers':'','name':'1x2','status':'suspended','version':3," \
              "'outcomes':[{'outcome':'1','name':'A','odds':'2.20','active':true}]}"
#define ONE_3_BARE "{'market':'1','specifiers':'','status':'suspended','version':3," \
                   "'outcomes':[{'outcome':'1','odds':'2.20','active':true}]}"
#define TOTAL "{'market':'18','specifiers':'total=2.5','name':'total','status':'active'," \
              "'version':4,'outcomes':[]}"
#define FIRST "{'id':'e','home':'A','version':1,'img':true,'markets':[" ONE "]}"

static struct doc *doc_first(void)
{
    struct doc *doc = doc_new(STR("e"));

    assert_int_equal(apply(doc, FIRST, true, 1), DOC_WHOLE);
    return doc;
}

/* ---- events ------------------------------------------------------------------- */

static void an_image_is_told_as_it_came(void **state)
{
    struct doc *doc = doc_first();

    (void)state;
    tells(doc, IMAGE, 0, FIRST);
    assert_int_equal(apply(doc, FIRST, true, 2), DOC_SAME);
    tells(doc, DELTA, 1, NULL);
    doc_free(doc);
}

static void names_that_do_not_come_are_kept(void **state)
{
    struct doc *doc = doc_first();

    (void)state;
    assert_int_equal(apply(doc, "{'id':'e','clock':'1:00','version':3,'markets':[" ONE_3_BARE
                                "]}", false, 3), DOC_CHANGED);
    tells(doc, DELTA, 1, "{'id':'e','clock':'1:00','version':3,'markets':[" ONE_3_BARE "]}");
    tells(doc, MERGED, 1, "{'id':'e','home':'A','clock':'1:00','version':3,'markets':[" ONE_3
                          "]}");
    tells(doc, IMAGE, 0, "{'id':'e','home':'A','clock':'1:00','version':3,'img':true,"
                         "'markets':[" ONE_3 "]}");
    tells(doc, DELTA, 3, NULL);
    tells(doc, MERGED, 3, NULL);
    doc_free(doc);
}

static void a_new_market_brings_its_names(void **state)
{
    struct doc *doc = doc_first();

    (void)state;
    assert_int_equal(apply(doc, "{'id':'e','version':4,'markets':[" TOTAL "]}", false, 4),
                     DOC_CHANGED);
    tells(doc, DELTA, 1, "{'id':'e','version':4,'markets':[" TOTAL "]}");
    tells(doc, IMAGE, 0, "{'id':'e','home':'A','version':4,'img':true,'markets':[" ONE "," TOTAL
                         "]}");
    doc_free(doc);
}

static void other_outcomes_bring_their_names(void **state)
{
    struct doc *doc = doc_first();
    const char *other = "{'id':'e','version':2,'markets':[{'market':'1','specifiers':'',"
                        "'name':'1x2','status':'active','version':2,'outcomes':["
                        "{'outcome':'2','name':'B','odds':'3.00','active':true}]}]}";

    (void)state;
    assert_int_equal(apply(doc, other, false, 2), DOC_CHANGED);
    tells(doc, DELTA, 1, other);
    doc_free(doc);
}

static void what_is_older_is_passed_over(void **state)
{
    struct doc *doc = doc_first();

    (void)state;
    assert_int_equal(apply(doc, "{'id':'e','version':3,'markets':[" ONE_3_BARE "]}", false, 3),
                     DOC_CHANGED);
    assert_int_equal(apply(doc, FIRST, false, 4), DOC_SAME);
    assert_int_equal(apply(doc, "{'id':'e','version':3,'markets':[" ONE "]}", false, 5),
                     DOC_SAME);
    tells(doc, IMAGE, 0, "{'id':'e','home':'A','version':3,'img':true,'markets':[" ONE_3 "]}");
    doc_free(doc);
}

static void an_image_takes_away_what_it_has_not(void **state)
{
    struct doc *doc = doc_first();

    (void)state;
    assert_int_equal(apply(doc, "{'id':'e','version':4,'markets':[" TOTAL "]}", true, 2),
                     DOC_WHOLE);
    tells(doc, IMAGE, 0, "{'id':'e','home':'A','version':4,'img':true,'markets':[" TOTAL "]}");
    doc_free(doc);
}

/* After a stream was lost: all that is told are the differences. */
static void an_image_of_what_is_here_is_a_change(void **state)
{
    struct doc *doc = doc_first();

    (void)state;
    assert_int_equal(apply(doc, "{'id':'e','home':'A','version':3,'markets':[" ONE_3 "]}", true,
                           2), DOC_CHANGED);
    tells(doc, DELTA, 1, "{'id':'e','home':'A','version':3,'markets':[" ONE_3_BARE "]}");
    assert_int_equal(apply(doc, "{'id':'e','home':'A','version':3,'markets':[{'market':'1',"
                                "'specifiers':'','name':'winner','version':3,'outcomes':[]}]}",
                           true, 3), DOC_WHOLE); /* named anew */
    doc_free(doc);
}

static void gone_and_back(void **state)
{
    struct doc *doc = doc_first();

    (void)state;
    assert_int_equal(doc_forget(doc), DOC_CHANGED);
    assert_int_equal(doc_forget(doc), DOC_SAME);
    assert_true(doc_is_gone(doc));
    tells(doc, IMAGE, 0, "{'id':'e','gone':true}");
    assert_int_equal(apply(doc, "{'id':'e','version':3,'markets':[" ONE_3_BARE "]}", false, 3),
                     DOC_LACKS);
    assert_int_equal(apply(doc, FIRST, true, 4), DOC_WHOLE);
    tells(doc, IMAGE, 0, FIRST);
    doc_free(doc);
}

static void nobody_has_heard_of_it(void **state)
{
    struct doc *doc = doc_new(STR("sr:match:404"));

    (void)state;
    assert_int_equal(doc_forget(doc), DOC_CHANGED);
    tells(doc, IMAGE, 0, "{'id':'sr:match:404','gone':true}");
    doc_free(doc);
}

static void what_is_no_event_is_refused(void **state)
{
    static const char *const odd[] = {
        "{'markets':[]}", "{'id':7,'markets':[]}", "{'id':'e','markets':{}}",
        "{'id':'e','markets':[7]}", "{'id':'e','markets':[{'market':'1'}]}",
        "{'id':'e','markets':[{'market':1,'specifiers':''}]}",
        "{'id':'e','markets':[{'market':'1','specifiers':'','outcomes':{}}]}",
        "{'id':'e','markets':[{'market':'1','specifiers':'','outcomes':[{}]}]}",
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(odd); i++) {
        struct doc *doc = doc_first();

        assert_int_equal(apply(doc, odd[i], false, 2), DOC_BAD);
        doc_free(doc);
    }
}

/* ---- sports ------------------------------------------------------------------- */

#define ROW(id, sport, version, state) \
    "{'id':'" id "','sport':'" sport "','state':'" state "','version':" version ",'markets':0," \
    "'main':null}"

static bool take(struct rows *rows, const char *text, int64_t order)
{
    json_t *event = json_of(text);
    bool told = rows_take(rows, event, order);

    json_decref(event);
    return told;
}

static void rows_tell(const struct rows *rows, int64_t since, const char *want)
{
    struct buf told;
    struct jw w;

    buf_init(&told, 65536);
    w = jw_to(&told);
    jw_array(&w);
    if (since < 0)
        rows_put_image(rows, &w);
    else
        (void)rows_put_since(rows, since, &w);
    jw_array_end(&w);
    assert_json(&told, want);
    buf_fini(&told);
}

static void a_sport_has_rows(void **state)
{
    struct rows *rows = rows_new(STR("s"));

    (void)state;
    assert_true(rows_are_empty(rows));
    assert_true(take(rows, ROW("a", "s", "2", "live"), 1));
    assert_false(take(rows, ROW("a", "s", "2", "live"), 2));
    assert_false(take(rows, ROW("a", "s", "1", "upcoming"), 2)); /* older */
    assert_false(take(rows, ROW("b", "other", "1", "live"), 2));
    rows_tell(rows, -1, "[" ROW("a", "s", "2", "live") "]");
    rows_tell(rows, 1, "[]");
    rows_free(rows);
}

static void a_row_may_leave(void **state)
{
    struct rows *rows = rows_new(STR("s"));

    (void)state;
    assert_true(take(rows, ROW("a", "s", "1", "live"), 1));
    assert_true(take(rows, ROW("b", "s", "1", "live"), 1));
    assert_true(take(rows, ROW("a", "other", "2", "live"), 2)); /* told once more, with that */
    rows_tell(rows, 1, "[" ROW("a", "other", "2", "live") "]");
    rows_tell(rows, -1, "[" ROW("b", "s", "1", "live") "]");
    assert_true(take(rows, ROW("b", "s", "2", "ended"), 3));
    rows_tell(rows, -1, "[]");
    assert_true(rows_are_empty(rows));
    assert_true(rows_forget(rows, STR("b"), 4, 1000));
    rows_tell(rows, 3, "[{'id':'b','gone':true}]");
    assert_int_equal(rows_sweep(rows, 2000, 5000), 0);
    assert_int_equal(rows_sweep(rows, 7000, 5000), 4);
    rows_tell(rows, 3, "[]");
    rows_free(rows);
}

static void an_image_of_a_sport_takes_away(void **state)
{
    struct rows *rows = rows_new(STR("s"));

    (void)state;
    assert_true(take(rows, ROW("a", "s", "1", "live"), 1));
    assert_true(take(rows, ROW("b", "s", "1", "live"), 1));
    rows_image_begin(rows);
    assert_false(take(rows, ROW("b", "s", "1", "live"), 2));
    assert_true(rows_image_end(rows, 2, 0));
    rows_tell(rows, -1, "[" ROW("b", "s", "1", "live") "]");
    rows_image_begin(rows);
    assert_false(take(rows, ROW("b", "s", "1", "live"), 3));
    assert_false(rows_image_end(rows, 3, 0));
    rows_free(rows);
}

/* ---- clks ---------------------------------------------------------------------- */

static void what_was_promised_may_be_promised(void **state)
{
    struct clks clks;

    (void)state;
    clks_init(&clks);
    assert_int_equal(clks_of_order(&clks, 5), 0);
    clks_mark(&clks, 1, 100, 1000);
    clks_mark(&clks, 2, 110, 2000);
    clks_mark(&clks, 2, 115, 3000); /* a heartbeat */
    clks_mark(&clks, 4, 120, 4000);
    assert_int_equal(clks_of_order(&clks, 0), 0);
    assert_int_equal(clks_of_order(&clks, 1), 100);
    assert_int_equal(clks_of_order(&clks, 2), 115);
    assert_int_equal(clks_of_order(&clks, 3), 115);
    assert_int_equal(clks_of_order(&clks, 9), 120);
    clks_fini(&clks);
}

static void who_comes_goes_on_from_before(void **state)
{
    struct clks clks;

    (void)state;
    clks_init(&clks);
    for (int64_t i = 0; i < 100; i++)
        clks_mark(&clks, i, 100 + i, (uint64_t)(i * 1000));
    assert_int_equal(clks_since(&clks, 0, 100000), -1);
    assert_int_equal(clks_since(&clks, 200, 100000), -1); /* of a node that is ahead */
    assert_int_equal(clks_since(&clks, 105, 100000), -1); /* nobody knows what came before */
    /* passed at 51,000; what was here at 31,000 is in it wherever it was promised */
    assert_int_equal(clks_since(&clks, 150, 100000), 31);
    assert_int_equal(clks_since(&clks, 199, 99500), 79);
    assert_int_equal(clks_since(&clks, 199, 120000), 99); /* quiet since */
    clks_fini(&clks);
}

/* A promise that is taken back, because another line is behind, is no new one. */
static void a_lower_promise_is_of_no_use(void **state)
{
    struct clks clks;

    (void)state;
    clks_init(&clks);
    for (int64_t i = 0; i < 50; i++)
        clks_mark(&clks, i, 100 + i, (uint64_t)(i * 1000));
    clks_mark(&clks, 50, 120, 50000);
    assert_int_equal(clks_of_order(&clks, 50), 120);
    assert_int_equal(clks_since(&clks, 120, 60000), 1);
    clks_fini(&clks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_image_is_told_as_it_came),
        cmocka_unit_test(names_that_do_not_come_are_kept),
        cmocka_unit_test(a_new_market_brings_its_names),
        cmocka_unit_test(other_outcomes_bring_their_names),
        cmocka_unit_test(what_is_older_is_passed_over),
        cmocka_unit_test(an_image_takes_away_what_it_has_not),
        cmocka_unit_test(an_image_of_what_is_here_is_a_change),
        cmocka_unit_test(gone_and_back),
        cmocka_unit_test(nobody_has_heard_of_it),
        cmocka_unit_test(what_is_no_event_is_refused),
        cmocka_unit_test(a_sport_has_rows),
        cmocka_unit_test(a_row_may_leave),
        cmocka_unit_test(an_image_of_a_sport_takes_away),
        cmocka_unit_test(what_was_promised_may_be_promised),
        cmocka_unit_test(who_comes_goes_on_from_before),
        cmocka_unit_test(a_lower_promise_is_of_no_use),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
