/* feed/uof: what is read from XML, and what refuses a message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/limits.h"
#include "feed/uof.h"

struct fixture {
    struct uof_parser *parser;
    struct arena arena;
    struct message message;
    struct uof_error error;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    CHECK(f != NULL);
    f->parser = uof_parser_new();
    arena_init(&f->arena, LIMIT_REQUEST_ARENA_BYTES);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    arena_fini(&f->arena);
    uof_parser_free(f->parser);
    free(f);
    return 0;
}

static bool parse(struct fixture *f, struct str xml)
{
    arena_reset(&f->arena);
    return uof_parse(f->parser, xml, false, &f->arena, &f->message, &f->error);
}

static void must_parse(struct fixture *f, const char *xml)
{
    if (!parse(f, str_of(xml)))
        fail_msg("%s\n%s", f->error.text, xml);
}

#define assert_str(s, z)                                                        \
    do {                                                                        \
        if (!str_eq((s), str_of(z)))                                            \
            fail_msg("\"" STR_FMT "\" is not \"%s\"", STR_ARG(s), (z));          \
    } while (0)

/* ---- what is read ------------------------------------------------------- */

static const struct { const char *xml; enum message_type type; } types[] = {
    { "<odds_change product='1' event_id='e' timestamp='5'/>", MESSAGE_ODDS_CHANGE },
    { "<oddschange product='1' event_id='e' timestamp='5'/>", MESSAGE_ODDS_CHANGE },
    { "<bet_stop product='1' event_id='e' timestamp='5'/>", MESSAGE_BET_STOP },
    { "<betstop product='1' event_id='e' timestamp='5'/>", MESSAGE_BET_STOP },
    { "<bet_settlement certainty='1' product='1' event_id='e' timestamp='5'/>",
      MESSAGE_BET_SETTLEMENT },
    { "<betsettlement certainty='1' product='1' event_id='e' timestamp='5'/>",
      MESSAGE_BET_SETTLEMENT },
    { "<bet_cancel product='1' event_id='e' timestamp='5'/>", MESSAGE_BET_CANCEL },
    { "<cancelbet product='1' event_id='e' timestamp='5'/>", MESSAGE_BET_CANCEL },
    { "<rollback_bet_settlement product='1' event_id='e' timestamp='5'/>",
      MESSAGE_ROLLBACK_SETTLEMENT },
    { "<rollback_betsettlement product='1' event_id='e' timestamp='5'/>",
      MESSAGE_ROLLBACK_SETTLEMENT },
    { "<rollback_bet_cancel product='1' event_id='e' timestamp='5'/>", MESSAGE_ROLLBACK_CANCEL },
    { "<rollback_cancelbet product='1' event_id='e' timestamp='5'/>", MESSAGE_ROLLBACK_CANCEL },
    { "<fixture_change product='1' event_id='e' timestamp='5'/>", MESSAGE_FIXTURE_CHANGE },
    { "<fixturechange product='1' event_id='e' timestamp='5'/>", MESSAGE_FIXTURE_CHANGE },
    { "<alive product='1' timestamp='5' subscribed='1'/>", MESSAGE_ALIVE },
    { "<snapshot_complete product='1' timestamp='5' request_id='9'/>",
      MESSAGE_SNAPSHOT_COMPLETE },
    { "<snapshotcomplete product='1' timestamp='5' request_id='9'/>",
      MESSAGE_SNAPSHOT_COMPLETE },
    { "<fixtures_fixture><fixture id='e'/></fixtures_fixture>", MESSAGE_FIXTURE },
    { "<market_descriptions/>", MESSAGE_MARKET_DESCRIPTIONS },
};

static void every_type_is_known_in_both_spellings(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < LENGTH(types); i++) {
        must_parse(f, types[i].xml);
        assert_int_equal(f->message.type, types[i].type);
        assert_int_equal(f->message.unknown, 0);
    }
    assert_string_equal(message_type_name(MESSAGE_BET_CANCEL), "bet_cancel");
    assert_string_equal(message_type_name(MESSAGE_RESTART), "overround_restart");
}

static void an_odds_change_is_read_whole(void **state)
{
    struct fixture *f = *state;
    const struct message *m = &f->message;

    must_parse(f,
        "<?xml version='1.0' encoding='utf-8'?>"
        "<odds_change product='3' event_id='sr:match:42' timestamp='1653576646190'"
        " request_id='7'><sport_event_status status='1' match_status='7' home_score='1'"
        " away_score='2' reporting='1'><clock match_time='71:00' stopped='false'/>"
        "<period_scores><period_score number='1'/></period_scores></sport_event_status>"
        "<odds><market favourite='1' id='18' specifiers='total=2.5|goalnr=1'>"
        "<market_metadata next_betstop='1'/>"
        "<outcome id='12' odds='2.25' probabilities='7.2E-9' active='1'/>"
        "<outcome id='13' odds='1.65' active='0'/></market>"
        "<market id='49' status='0'/></odds></odds_change>");
    assert_int_equal(m->producer, 3);
    assert_int_equal(m->timestamp_ms, 1653576646190);
    assert_int_equal(m->request_id, 7);
    assert_str(m->event, "sr:match:42");
    assert_true(m->has_status);
    assert_int_equal(m->event_status, 1);
    assert_int_equal(m->match_status, 7);
    assert_str(m->home_score, "1");
    assert_str(m->away_score, "2");
    assert_str(m->match_time, "71:00");
    assert_int_equal(m->n_markets, 2);
    assert_int_equal(m->markets[0].market, 18);
    assert_int_equal(m->markets[0].status, MARKET_ACTIVE);
    assert_true(m->markets[0].favourite);
    assert_int_equal(m->markets[0].n, 2);
    assert_int_equal(m->outcomes[0].odds_e4, 22500);
    assert_true(m->outcomes[0].active);
    assert_str(m->outcomes[1].id, "13");
    assert_false(m->outcomes[1].active);
    assert_int_equal(m->markets[1].status, MARKET_INACTIVE);
    assert_int_equal(m->markets[1].n, 0);
    assert_int_equal(m->unknown, 0);
}

static void rule_22_specifiers_are_sorted_by_key(void **state)
{
    struct fixture *f = *state;

    must_parse(f, "<odds_change product='1' event_id='e' timestamp='5'><odds>"
                  "<market id='1' specifiers='total=2.50|goalnr=1'/></odds></odds_change>");
    assert_str(f->message.markets[0].specifiers, "goalnr=1|total=2.50");
}

static const struct { const char *odds; int64_t odds_e4; } prices[] = {
    { "1.9", 19000 },      { "1", 10000 },          { "1.0", 10000 },
    { "200.0", 2000000 },  { "1.00019", 10001 },    { "2.99999999999999999999", 29999 },
    { "0001.50", 15000 },  { "100000000", 1000000000000 },
};

static void odds_are_exact(void **state)
{
    struct fixture *f = *state;
    char xml[256];

    for (size_t i = 0; i < LENGTH(prices); i++) {
        (void)snprintf(xml, sizeof(xml),
                       "<odds_change product='1' event_id='e' timestamp='5'><odds><market id='1'>"
                       "<outcome id='1' odds='%s'/></market></odds></odds_change>",
                       prices[i].odds);
        must_parse(f, xml);
        assert_int_equal(f->message.outcomes[0].odds_e4, prices[i].odds_e4);
    }
}

static void rule_18_listed_without_outcomes_or_odds(void **state)
{
    struct fixture *f = *state;

    must_parse(f, "<odds_change product='1' event_id='e' timestamp='5'><odds>"
                  "<market id='1' status='-2'/><market id='2'><outcome id='1' active='0'/>"
                  "<outcome id='2' active='0' odds='0.5'/><outcome id='3'/></market>"
                  "</odds></odds_change>");
    assert_int_equal(f->message.markets[0].status, MARKET_HANDED_OVER);
    assert_int_equal(f->message.markets[1].first, 0);
    assert_int_equal(f->message.outcomes[0].odds_e4, 0);
    assert_int_equal(f->message.outcomes[1].odds_e4, 0);
    assert_int_equal(f->message.outcomes[2].odds_e4, 0);
    must_parse(f, "<bet_stop product='1' event_id='e' timestamp='5'/>");
    assert_int_equal(f->message.stop_status, MARKET_SUSPENDED);
    must_parse(f, "<bet_stop product='1' event_id='e' timestamp='5' market_status='0'"
                  " groups='all|score'/>");
    assert_int_equal(f->message.stop_status, MARKET_INACTIVE);
    assert_str(f->message.groups, "all|score");
}

static void a_settlement_has_results_and_factors(void **state)
{
    struct fixture *f = *state;
    const struct message_outcome *o;

    must_parse(f, "<bet_settlement certainty='2' product='1' event_id='e' timestamp='5'><outcomes>"
                  "<market id='1' void_reason='3' result='1'>"
                  "<outcome id='1' result='1' void_factor='0.0' dead_heat_factor='1.0'/>"
                  "<outcome id='2' result='0' void_factor='0.5' dead_heat_factor='0.0'/>"
                  "<outcome id='3' result='-1' dead_heat_factor='0.333333333333'/>"
                  "</market></outcomes></bet_settlement>");
    o = f->message.outcomes;
    assert_int_equal(f->message.certainty, 2);
    assert_int_equal(f->message.markets[0].void_reason, 3);
    assert_int_equal(o[0].result, 1);
    assert_int_equal(o[0].void_e12, 0);
    assert_int_equal(o[0].dead_heat_e12, FACTOR_ONE_E12);
    assert_int_equal(o[1].result, 0);
    assert_int_equal(o[1].void_e12, FACTOR_ONE_E12 / 2);
    assert_int_equal(o[1].dead_heat_e12, FACTOR_ONE_E12);
    assert_int_equal(o[2].result, -1);
    assert_int_equal(o[2].dead_heat_e12, 333333333333);
}

static void a_cancel_has_a_window(void **state)
{
    struct fixture *f = *state;

    must_parse(f, "<bet_cancel product='1' event_id='e' timestamp='5' start_time='10'"
                  " end_time='20'><market id='1' specifiers='a=1'><outcome id='1'/></market>"
                  "<market id='2'/></bet_cancel>");
    assert_int_equal(f->message.start_ms, 10);
    assert_int_equal(f->message.end_ms, 20);
    assert_int_equal(f->message.n_markets, 2);
    assert_int_equal(f->message.n_outcomes, 0);
    must_parse(f, "<rollback_bet_cancel product='1' event_id='e' timestamp='5' end_time='20'/>");
    assert_int_equal(f->message.start_ms, 0);
    must_parse(f, "<bet_cancel product='1' event_id='e' timestamp='5' start_time='10'/>");
    assert_int_equal(f->message.end_ms, INT64_MAX);
}

static void a_fixture_names_its_event(void **state)
{
    struct fixture *f = *state;
    const struct message_fixture *x;

    must_parse(f,
        "<fixtures_fixture xmlns='http://x/y' xmlns:xsi='http://x/z' xsi:schemaLocation='q'"
        " generated_at='2019'><fixture id='sr:match:1' status='not_started'"
        " scheduled='2019-05-08T18:00:00+00:00' start_time='2019-05-08T19:00:00+00:00'>"
        "<tournament id='sr:tournament:7' name='UEFA &amp; Co'><sport id='sr:sport:1'"
        " name='Soccer'/><category id='c' name='Clubs'/></tournament><competitors>"
        "<competitor id='a' name='Tottenham' abbreviation='TOT' qualifier='away'/>"
        "<competitor id='h' name='Ajax' qualifier='home'><reference_ids/></competitor>"
        "</competitors></fixture></fixtures_fixture>");
    x = f->message.fixture;
    assert_str(f->message.event, "sr:match:1");
    assert_str(x->event, "sr:match:1");
    assert_str(x->status, "not_started");
    assert_int_equal(x->start_ms, 1557342000000);
    assert_str(x->tournament_name, "UEFA & Co");
    assert_str(x->sport, "sr:sport:1");
    assert_str(x->sport_name, "Soccer");
    assert_str(x->category_name, "Clubs");
    assert_str(x->home.name, "Ajax");
    assert_str(x->away.name, "Tottenham");
    assert_str(x->away.abbreviation, "TOT");
    assert_int_equal(f->message.unknown, 0);
}

static void descriptions_carry_templates(void **state)
{
    struct fixture *f = *state;
    const struct message *m = &f->message;

    must_parse(f, "<market_descriptions response_code='OK'><market id='18' name='Total'"
                  " groups='all|score'><outcomes><outcome id='13' name='under {total}'/>"
                  "<outcome id='12' name='over {total}'/></outcomes>"
                  "<specifiers><specifier name='total'/></specifiers></market>"
                  "<market id='683' name='Top batter' groups='all'/></market_descriptions>");
    assert_int_equal(m->n_descriptions, 2);
    assert_str(m->descriptions[0].name, "Total");
    assert_str(m->descriptions[0].groups, "all|score");
    assert_int_equal(m->descriptions[0].n, 2);
    assert_str(m->names[m->descriptions[0].first + 1].name, "over {total}");
    assert_int_equal(m->descriptions[1].n, 0);
}

static void rule_17_unknown_is_counted_and_passed_over(void **state)
{
    struct fixture *f = *state;

    must_parse(f, "<odds_change product='1' event_id='e' timestamp='5' colour='red'>"
                  "<weather><rain mm='3'/></weather><odds><market id='1' hue='2'>"
                  "<outcome id='1' odds='2'><why/></outcome><market id='9'/></market>"
                  "</odds></odds_change>");
    assert_int_equal(f->message.unknown, 5);
    assert_int_equal(f->message.n_markets, 1);
    assert_int_equal(f->message.n_outcomes, 1);
}

/* ---- what is refused ---------------------------------------------------- */

#define ODDS(inner) \
    "<odds_change product='1' event_id='e' timestamp='5'><odds>" inner "</odds></odds_change>"
#define SETTLE(inner)                                                             \
    "<bet_settlement certainty='1' product='1' event_id='e' timestamp='5'><outcomes>" \
    "<market id='1'>" inner "</market></outcomes></bet_settlement>"

static const struct { const char *xml, *says; } refused[] = {
    { "", "XML" },
    { "hello", "XML" },
    { "<alive product='1' timestamp='5' subscribed='1'>", "XML" },
    { "<alive product='1' product='1' timestamp='5' subscribed='1'/>", "XML" },
    { "<alive product='1' timestamp='5' subscribed='1'/><alive/>", "XML" },
    { "<alive product='1' timestamp='5' subscribed='\xff'/>", "XML" },
    { "<alive product='1' timestamp='5' subscribed='&boom;'/>", "XML" },
    { "<goodbye/>", "element goodbye" },
    { "<overround_restart timestamp='1'/>", "not accepted from outside" },
    { "<overround_producer product='1' up='1' timestamp='1'/>", "not accepted from outside" },
    /* missing */
    { "<alive timestamp='5' subscribed='1'/>", "attribute product is missing" },
    { "<alive product='1' subscribed='1'/>", "attribute timestamp is missing" },
    { "<alive product='1' timestamp='5'/>", "attribute subscribed is missing" },
    { "<snapshot_complete product='1' timestamp='5'/>", "attribute request_id is missing" },
    { "<bet_stop product='1' timestamp='5'/>", "attribute event_id is missing" },
    { "<bet_settlement product='1' event_id='e' timestamp='5'/>", "certainty is missing" },
    { "<fixtures_fixture/>", "fixture is missing" },
    { "<fixtures_fixture><fixture/></fixtures_fixture>", "attribute id is missing" },
    { ODDS("<market/>"), "element market: attribute id is missing" },
    { ODDS("<market id='1'><outcome odds='2'/></market>"), "outcome: attribute id is missing" },
    { SETTLE("<outcome id='1'/>"), "attribute result is missing" },
    { SETTLE("<outcome result='1'/>"), "attribute id is missing" },
    /* not to be parsed */
    { "<alive product='x' timestamp='5' subscribed='1'/>", "product=\"x\"" },
    { "<alive product='0' timestamp='5' subscribed='1'/>", "product=\"0\"" },
    { "<alive product='1' timestamp='-5' subscribed='1'/>", "timestamp=\"-5\"" },
    { "<alive product='1' timestamp='5' subscribed='maybe'/>", "subscribed=\"maybe\"" },
    { "<alive product='1' timestamp='99999999999999999999' subscribed='1'/>", "timestamp" },
    { "<bet_stop product='1' event_id='' timestamp='5'/>", "event_id=\"\" is empty" },
    { "<bet_stop product='1' event_id='e' timestamp='5' market_status='1'/>", "market_status" },
    { "<bet_settlement certainty='3' product='1' event_id='e' timestamp='5'/>", "certainty" },
    { ODDS("<market id='-1'/>"), "id=\"-1\"" },
    { ODDS("<market id='1' status='7'/>"), "status=\"7\"" },
    { ODDS("<market id='1' specifiers='total'/>"), "specifiers=\"total\"" },
    { ODDS("<market id='1' specifiers='a=1|a=2'/>"), "specifiers" },
    { ODDS("<market id='1'><outcome id='1' odds='1,9'/></market>"), "odds=\"1,9\"" },
    { ODDS("<market id='1'><outcome id='1' odds='2e1'/></market>"), "odds=\"2e1\"" },
    { ODDS("<market id='1'><outcome id='1' odds='-2'/></market>"), "odds=\"-2\"" },
    { ODDS("<market id='1'><outcome id='1' odds='2.'/></market>"), "odds=\"2.\"" },
    { ODDS("<market id='1'><outcome id='1' odds=''/></market>"), "odds=\"\"" },
    { ODDS("<market id='1'><outcome id='1' odds='100000001'/></market>"), "odds" },
    { ODDS("<market id='1'><outcome id='1' odds='0.99'/></market>"), "below 1" },
    { ODDS("<market id='1'><outcome id='1' odds='0' active='1'/></market>"), "below 1" },
    { ODDS("<market id='1'><outcome id='1' active='2'/></market>"), "active=\"2\"" },
    { SETTLE("<outcome id='1' result='W'/>"), "result=\"W\"" },
    { SETTLE("<outcome id='1' result='2'/>"), "result=\"2\"" },
    { SETTLE("<outcome id='1' result='1' void_factor='1.5'/>"), "void_factor" },
    { SETTLE("<outcome id='1' result='1' dead_heat_factor='0.0'/>"), "dead_heat_factor" },
    { SETTLE("<outcome id='1' result='1' dead_heat_factor='0.3333333333333'/>"), "12 decimals" },
    { "<fixtures_fixture><fixture id='e' start_time='soon'/></fixtures_fixture>", "start_time" },
    { "<fixtures_fixture><fixture id='e'/><fixture id='f'/></fixtures_fixture>", "more than one" },
    /* hostile */
    { "<!DOCTYPE a [<!ENTITY l 'lol'><!ENTITY m '&l;&l;&l;&l;'>]>"
      "<alive product='1' timestamp='5' subscribed='&m;'/>", "document type" },
    { "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><alive product='1' timestamp='5'"
      " subscribed='1'/>", "document type" },
    { "<?xml version='1.0' encoding='ISO-8859-1'?><alive product='1' timestamp='5'"
      " subscribed='1'/>", "encoding ISO-8859-1" },
    { "\xff\xfe<\0a\0", "UTF-16" },
    { "\xfe\xff\0<", "UTF-16" },
};

static void what_is_wrong_is_named(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < LENGTH(refused); i++) {
        assert_false(parse(f, str_of(refused[i].xml)));
        assert_true(f->error.line >= 1 && f->error.column >= 1);
        if (strstr(f->error.text, refused[i].says) == NULL)
            fail_msg("\"%s\" does not say \"%s\"\n%s", f->error.text, refused[i].says,
                     refused[i].xml);
    }
    /* and the parser is as good as new */
    must_parse(f, "<alive product='1' timestamp='5' subscribed='0'/>");
    assert_false(f->message.subscribed);
}

static void errors_have_line_and_column(void **state)
{
    struct fixture *f = *state;

    assert_false(parse(f, STR("<odds_change product='1' event_id='e' timestamp='5'>\n<odds>\n"
                              "  <market id='x'/></odds></odds_change>")));
    assert_int_equal(f->error.line, 3);
    assert_int_equal(f->error.column, 3);
}

static void a_nul_byte_is_refused(void **state)
{
    struct fixture *f = *state;

    assert_false(parse(f, STR("<alive product='1' timestamp='5' subscribed='1\0'/>")));
    assert_false(parse(f, STR("<alive product='1' timestamp='5' subscribed='1'/>\0")));
}

static void own_entries_are_admitted_inside(void **state)
{
    struct fixture *f = *state;

    assert_true(uof_parse(f->parser, STR("<overround_producer product='3' up='1' timestamp='5'/>"),
                          true, &f->arena, &f->message, &f->error));
    assert_int_equal(f->message.type, MESSAGE_PRODUCER);
    assert_int_equal(f->message.producer, 3);
    assert_true(f->message.up);
    assert_true(uof_parse(f->parser, STR("<overround_restart timestamp='5'/>"), true, &f->arena,
                          &f->message, &f->error));
    assert_int_equal(f->message.type, MESSAGE_RESTART);
}

/* head, then `each` n times, then tail. */
static bool parse_many(struct fixture *f, const char *head, const char *each, unsigned n,
                       const char *tail)
{
    struct buf xml;
    bool parsed;

    buf_init(&xml, LIMIT_FEED_BODY_BYTES);
    buf_str(&xml, str_of(head));
    for (unsigned i = 0; i < n; i++)
        buf_str(&xml, str_of(each));
    buf_str(&xml, str_of(tail));
    assert_false(xml.overflow);
    parsed = parse(f, buf_view(&xml));
    buf_fini(&xml);
    return parsed;
}

static void there_are_limits(void **state)
{
    struct fixture *f = *state;
    const char *head = "<odds_change product='1' event_id='e' timestamp='5'><odds>";
    const char *tail = "</odds></odds_change>";
    char id[LIMIT_ID_BYTES + 2] = { 0 }, xml[512];

    assert_true(parse_many(f, head, "<market id='1'/>", LIMIT_MESSAGE_MARKETS, tail));
    assert_false(parse_many(f, head, "<market id='1'/>", LIMIT_MESSAGE_MARKETS + 1, tail));
    assert_non_null(strstr(f->error.text, "more than 20000 markets"));
    assert_true(parse_many(f,
        "<odds_change product='1' event_id='e' timestamp='5'><odds><market id='1'>",
        "<outcome id='1'/>", LIMIT_OUTCOMES, "</market></odds></odds_change>"));
    assert_false(parse_many(f,
        "<odds_change product='1' event_id='e' timestamp='5'><odds><market id='1'>",
        "<outcome id='1'/>", LIMIT_OUTCOMES + 1, "</market></odds></odds_change>"));
    assert_non_null(strstr(f->error.text, "outcomes"));
    assert_false(parse_many(f, head, "<a>", LIMIT_XML_DEPTH, tail));
    assert_non_null(strstr(f->error.text, "nested"));
    memset(id, 'x', LIMIT_ID_BYTES + 1);
    (void)snprintf(xml, sizeof(xml), "<bet_stop product='1' timestamp='5' event_id='%s'/>", id);
    assert_false(parse(f, str_of(xml)));
    assert_non_null(strstr(f->error.text, "event_id"));
    assert_non_null(strstr(f->error.text, "too long"));
}

/* A fixture document names competitors in any language; errors quote them. */
static void errors_cut_no_character_in_two(void **state)
{
    struct fixture *f = *state;
    const char *at;

    assert_false(parse(f, STR("<alive product='1' timestamp='5' subscribed='x"
                              "éééééééééééééééééééééééééé'/>")));
    at = strstr(f->error.text, "\" is not");
    assert_non_null(at);
    assert_int_equal((unsigned char)at[-1], 0xa9);
}

static void a_document_of_the_limits_size_fits_the_arena(void **state)
{
    struct fixture *f = *state;
    char chunk[32768] = { 0 };
    struct buf market;
    unsigned n;

    buf_init(&market, sizeof(chunk) - 1);
    buf_str(&market, STR("<market id='1' specifiers='b=1|a=2'>"));
    for (unsigned i = 0; i < LIMIT_OUTCOMES; i++)
        buf_str(&market, STR("<outcome id='1'/>"));
    buf_str(&market, STR("</market>"));
    memcpy(chunk, market.p, market.n);
    n = LIMIT_MESSAGE_OUTCOMES / LIMIT_OUTCOMES;
    assert_true(parse_many(f, "<odds_change product='1' event_id='e' timestamp='5'><odds>", chunk,
                           n, "</odds></odds_change>"));
    assert_int_equal(f->message.n_outcomes, LIMIT_MESSAGE_OUTCOMES);
    assert_false(parse_many(f, "<odds_change product='1' event_id='e' timestamp='5'><odds>", chunk,
                            n + 1, "</odds></odds_change>"));
    buf_fini(&market);
}

/* ---- the published samples ---------------------------------------------- */

static const struct { const char *file; enum message_type type; uint32_t markets; } samples[] = {
    { "feed/alive.xml", MESSAGE_ALIVE, 0 },
    { "feed/bet_cancel.xml", MESSAGE_BET_CANCEL, 1 },
    { "feed/bet_settlement.xml", MESSAGE_BET_SETTLEMENT, 1 },
    { "feed/bet_stop.xml", MESSAGE_BET_STOP, 0 },
    { "feed/fixture-0.xml", MESSAGE_FIXTURE, 0 },
    { "feed/fixture_change.xml", MESSAGE_FIXTURE_CHANGE, 0 },
    { "feed/odds_change-0.xml", MESSAGE_ODDS_CHANGE, 9 },
    { "feed/odds_change.xml", MESSAGE_ODDS_CHANGE, 1 },
    { "feed/rollback_bet_cancel.xml", MESSAGE_ROLLBACK_CANCEL, 1 },
    { "feed/rollback_bet_settlement.xml", MESSAGE_ROLLBACK_SETTLEMENT, 1 },
    { "feed/snapshot_complete.xml", MESSAGE_SNAPSHOT_COMPLETE, 0 },
    { "descriptions/fixture.xml", MESSAGE_FIXTURE, 0 },
    { "descriptions/markets.xml", MESSAGE_MARKET_DESCRIPTIONS, 0 },
};

/* False: there is no such file. */
static bool read_sample(const char *file, struct buf *into)
{
    const char *data = getenv("OVERROUND_DATA");
    char path[512], chunk[4096];
    FILE *in;
    size_t n;

    (void)snprintf(path, sizeof(path), "%s/uof/%s", data == NULL ? "../shared/data" : data, file);
    in = fopen(path, "rb");
    if (in == NULL)
        return false;
    while ((n = fread(chunk, 1, sizeof(chunk), in)) > 0)
        buf_put(into, chunk, n);
    assert_int_equal(fclose(in), 0);
    return true;
}

static void the_published_samples_parse(void **state)
{
    struct fixture *f = *state;
    const char *ci = getenv("CI");

    for (size_t i = 0; i < LENGTH(samples); i++) {
        struct buf xml;

        buf_init(&xml, LIMIT_FEED_BODY_BYTES);
        if (!read_sample(samples[i].file, &xml)) {
            if (ci != NULL && strcmp(ci, "true") == 0)
                fail_msg("%s is not there", samples[i].file);
            buf_fini(&xml);
            skip();
        }
        if (!parse(f, buf_view(&xml)))
            fail_msg("%s: %s", samples[i].file, f->error.text);
        assert_int_equal(f->message.type, samples[i].type);
        assert_int_equal(f->message.n_markets, samples[i].markets);
        assert_int_equal(f->message.unknown, 0);
        buf_fini(&xml);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_type_is_known_in_both_spellings),
        TEST(an_odds_change_is_read_whole),
        TEST(rule_22_specifiers_are_sorted_by_key),
        TEST(odds_are_exact),
        TEST(rule_18_listed_without_outcomes_or_odds),
        TEST(a_settlement_has_results_and_factors),
        TEST(a_cancel_has_a_window),
        TEST(a_fixture_names_its_event),
        TEST(descriptions_carry_templates),
        TEST(rule_17_unknown_is_counted_and_passed_over),
        TEST(what_is_wrong_is_named),
        TEST(errors_have_line_and_column),
        TEST(a_nul_byte_is_refused),
        TEST(own_entries_are_admitted_inside),
        TEST(there_are_limits),
        TEST(errors_cut_no_character_in_two),
        TEST(a_document_of_the_limits_size_fits_the_arena),
        TEST(the_published_samples_parse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
