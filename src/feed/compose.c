/*
 * Compose: see compose.h.
 */
#include "feed/compose.h"

#include "base/clock.h"
#include "base/json.h"

#define XML "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

static void put_text(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];

        if (c == '&')
            buf_str(out, STR("&amp;"));
        else if (c == '<')
            buf_str(out, STR("&lt;"));
        else if (c == '"')
            buf_str(out, STR("&quot;"));
        else if (c < ' ')
            buf_char(out, ' ');
        else
            buf_char(out, (char)c);
    }
}

/* name="value", with a space before it. */
static void put_attribute(struct buf *out, const char *name, struct str value)
{
    buf_printf(out, " %s=\"", name);
    put_text(out, value);
    buf_char(out, '"');
}

static void put_number(struct buf *out, const char *name, int64_t value)
{
    buf_printf(out, " %s=\"%lld\"", name, (long long)value);
}

static void put_time(struct buf *out, const char *name, int64_t wall_ms)
{
    buf_printf(out, " %s=\"", name);
    clock_format(out, wall_ms);
    buf_char(out, '"');
}

static void put_head(struct buf *out, const char *type, const struct compose_head *head)
{
    buf_printf(out, XML "<%s", type);
    put_number(out, "product", head->producer);
    put_attribute(out, "event_id", head->event);
    put_number(out, "timestamp", head->timestamp_ms);
}

/* ---- documents -------------------------------------------------------- */

void compose_descriptions(struct buf *out)
{
    buf_str(out, STR(XML "<market_descriptions response_code=\"OK\">\n"
        "<market id=\"1\" name=\"1x2\" groups=\"all|score|regular_play\"><outcomes>"
        "<outcome id=\"1\" name=\"{$competitor1}\"/><outcome id=\"2\" name=\"draw\"/>"
        "<outcome id=\"3\" name=\"{$competitor2}\"/></outcomes></market>\n"
        "<market id=\"16\" name=\"Handicap\" groups=\"all|score|regular_play\"><outcomes>"
        "<outcome id=\"1714\" name=\"{$competitor1} ({+hcp})\"/>"
        "<outcome id=\"1715\" name=\"{$competitor2} ({-hcp})\"/></outcomes>"
        "<specifiers><specifier name=\"hcp\" type=\"decimal\"/></specifiers></market>\n"
        "<market id=\"18\" name=\"Total\" groups=\"all|score|regular_play\"><outcomes>"
        "<outcome id=\"12\" name=\"over {total}\"/>"
        "<outcome id=\"13\" name=\"under {total}\"/></outcomes>"
        "<specifiers><specifier name=\"total\" type=\"decimal\"/></specifiers></market>\n"
        "</market_descriptions>\n"));
}

static void put_team(struct buf *out, const struct compose_team *team, const char *side)
{
    buf_str(out, STR("<competitor"));
    put_attribute(out, "qualifier", str_of(side));
    put_attribute(out, "id", team->id);
    put_attribute(out, "name", team->name);
    buf_str(out, STR("/>"));
}

void compose_fixture(struct buf *out, const struct compose_fixture *fixture,
                     int64_t generated_ms)
{
    buf_str(out, STR(XML "<fixtures_fixture"));
    put_time(out, "generated_at", generated_ms);
    buf_str(out, STR(">\n<fixture"));
    put_attribute(out, "id", fixture->event);
    put_attribute(out, "status", fixture->live ? STR("live") : STR("not_started"));
    put_time(out, "scheduled", fixture->start_ms);
    put_time(out, "start_time", fixture->start_ms);
    buf_str(out, STR(">\n<tournament"));
    put_attribute(out, "id", fixture->tournament);
    put_attribute(out, "name", fixture->tournament_name);
    buf_str(out, STR("><sport id=\"sr:sport:1\" name=\"Soccer\"/><category id=\"sr:category:1\""));
    put_attribute(out, "name", fixture->category_name);
    buf_str(out, STR("/></tournament>\n<competitors>"));
    put_team(out, &fixture->home, "home");
    put_team(out, &fixture->away, "away");
    buf_str(out, STR("</competitors>\n</fixture>\n</fixtures_fixture>\n"));
}

/* ---- messages --------------------------------------------------------- */

void compose_alive(struct buf *out, int producer, int64_t timestamp_ms)
{
    buf_str(out, STR(XML "<alive"));
    put_number(out, "product", producer);
    put_number(out, "timestamp", timestamp_ms);
    buf_str(out, STR(" subscribed=\"1\"/>\n"));
}

void compose_bet_stop(struct buf *out, const struct compose_head *head)
{
    put_head(out, "bet_stop", head);
    buf_str(out, STR(" groups=\"all\"/>\n"));
}

static void put_score(struct buf *out, const struct compose_score *score)
{
    buf_str(out, STR("<sport_event_status"));
    put_number(out, "status", score->event_status);
    put_number(out, "match_status", score->match_status);
    put_number(out, "home_score", score->home);
    put_number(out, "away_score", score->away);
    if (score->clock_s < 0) {
        buf_str(out, STR("/>\n"));
        return;
    }
    buf_printf(out, "><clock match_time=\"%d:%02d\"/></sport_event_status>\n",
               score->clock_s / 60, score->clock_s % 60);
}

void compose_odds(struct buf *out, const struct compose_head *head,
                  const struct compose_score *score)
{
    put_head(out, "odds_change", head);
    buf_str(out, STR(">\n"));
    if (score != NULL)
        put_score(out, score);
    buf_str(out, STR("<odds>\n"));
}

void compose_odds_end(struct buf *out)
{
    buf_str(out, STR("</odds>\n</odds_change>\n"));
}

void compose_result_market(struct buf *out, unsigned market, struct str specifiers)
{
    buf_str(out, STR("<market"));
    put_number(out, "id", market);
    if (specifiers.n > 0)
        put_attribute(out, "specifiers", specifiers);
    buf_char(out, '>');
}

void compose_market(struct buf *out, unsigned market, struct str specifiers, int status)
{
    buf_str(out, STR("<market"));
    put_number(out, "id", market);
    if (specifiers.n > 0)
        put_attribute(out, "specifiers", specifiers);
    put_number(out, "status", status);
    buf_char(out, '>');
}

void compose_price(struct buf *out, const char *outcome, int64_t odds_e4)
{
    buf_printf(out, "<outcome id=\"%s\" odds=\"", outcome);
    buf_odds(out, odds_e4);
    buf_str(out, STR("\" active=\"1\"/>"));
}

void compose_market_end(struct buf *out)
{
    buf_str(out, STR("</market>\n"));
}

void compose_settlement(struct buf *out, const struct compose_head *head, int certainty)
{
    put_head(out, "bet_settlement", head);
    put_number(out, "certainty", certainty);
    buf_str(out, STR(">\n<outcomes>\n"));
}

void compose_result(struct buf *out, const char *outcome, int result, int void_tenths)
{
    CHECK(void_tenths == 0 || void_tenths == 5 || void_tenths == 10);
    buf_printf(out, "<outcome id=\"%s\" result=\"%d\"", outcome, result);
    if (void_tenths > 0)
        buf_str(out, void_tenths == 10 ? STR(" void_factor=\"1\"")
                                       : STR(" void_factor=\"0.5\""));
    buf_str(out, STR("/>"));
}

void compose_settlement_end(struct buf *out)
{
    buf_str(out, STR("</outcomes>\n</bet_settlement>\n"));
}
