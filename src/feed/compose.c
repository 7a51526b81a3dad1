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
    if (head->request_id > 0)
        put_number(out, "request_id", head->request_id);
}

/* ---- documents -------------------------------------------------------- */

static const struct {
    unsigned id;
    const char *name, *specifier, *type;
    struct { const char *id, *name; } outcomes[3];
} descriptions[] = {
    { 1, "1x2", NULL, NULL,
      { { "1", "{$competitor1}" }, { "2", "draw" }, { "3", "{$competitor2}" } } },
    { 8, "{!goalnr} goal", "goalnr", "integer",
      { { "6", "{$competitor1}" }, { "7", "none" }, { "8", "{$competitor2}" } } },
    { 10, "Double chance", NULL, NULL,
      { { "9", "{$competitor1} or draw" }, { "10", "{$competitor1} or {$competitor2}" },
        { "11", "draw or {$competitor2}" } } },
    { 11, "Draw no bet", NULL, NULL,
      { { "4", "{$competitor1}" }, { "5", "{$competitor2}" }, { NULL, NULL } } },
    { 16, "Handicap", "hcp", "decimal",
      { { "1714", "{$competitor1} ({+hcp})" }, { "1715", "{$competitor2} ({-hcp})" },
        { NULL, NULL } } },
    { 18, "Total", "total", "decimal",
      { { "12", "over {total}" }, { "13", "under {total}" }, { NULL, NULL } } },
    { 29, "Both teams to score", NULL, NULL,
      { { "74", "yes" }, { "76", "no" }, { NULL, NULL } } },
};

static void put_description(struct buf *out, unsigned at)
{
    buf_printf(out, "<market id=\"%u\" name=\"%s\" groups=\"all|score|regular_play\"><outcomes>",
               descriptions[at].id, descriptions[at].name);
    for (size_t i = 0; i < LENGTH(descriptions[at].outcomes); i++)
        if (descriptions[at].outcomes[i].id != NULL)
            buf_printf(out, "<outcome id=\"%s\" name=\"%s\"/>", descriptions[at].outcomes[i].id,
                       descriptions[at].outcomes[i].name);
    buf_str(out, STR("</outcomes>"));
    if (descriptions[at].specifier != NULL)
        buf_printf(out, "<specifiers><specifier name=\"%s\" type=\"%s\"/></specifiers>",
                   descriptions[at].specifier, descriptions[at].type);
    buf_str(out, STR("</market>\n"));
}

/* Outcomes 274, 276, … 322: 0:0, 1:0, … 4:4; then all others. */
static void put_correct_score(struct buf *out)
{
    buf_str(out, STR("<market id=\"45\" name=\"Correct score\""
                     " groups=\"all|score|regular_play\"><outcomes>"));
    for (int i = 0; i < 25; i++)
        buf_printf(out, "<outcome id=\"%d\" name=\"%d:%d\"/>", 274 + 2 * i, i % 5, i / 5);
    buf_str(out, STR("<outcome id=\"324\" name=\"other\"/></outcomes></market>\n"));
}

void compose_descriptions(struct buf *out)
{
    buf_str(out, STR(XML "<market_descriptions response_code=\"OK\">\n"));
    for (unsigned i = 0; i < LENGTH(descriptions); i++)
        put_description(out, i);
    put_correct_score(out);
    buf_str(out, STR("</market_descriptions>\n"));
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

void compose_alive(struct buf *out, int producer, int64_t timestamp_ms, bool subscribed)
{
    buf_str(out, STR(XML "<alive"));
    put_number(out, "product", producer);
    put_number(out, "timestamp", timestamp_ms);
    put_number(out, "subscribed", subscribed);
    buf_str(out, STR("/>\n"));
}

void compose_snapshot_complete(struct buf *out, int producer, int64_t timestamp_ms,
                               int64_t request_id)
{
    buf_str(out, STR(XML "<snapshot_complete"));
    put_number(out, "request_id", request_id);
    put_number(out, "product", producer);
    put_number(out, "timestamp", timestamp_ms);
    buf_str(out, STR("/>\n"));
}

void compose_fixture_change(struct buf *out, const struct compose_head *head, int change_type,
                            int64_t start_ms)
{
    put_head(out, "fixture_change", head);
    put_number(out, "change_type", change_type);
    put_number(out, "start_time", start_ms);
    buf_str(out, STR("/>\n"));
}

void compose_bet_stop(struct buf *out, const struct compose_head *head)
{
    put_head(out, "bet_stop", head);
    buf_str(out, STR(" groups=\"all\"/>\n"));
}

static void put_pair(struct buf *out, const char *name, const int pair[2])
{
    buf_printf(out, "<%s home=\"%d\" away=\"%d\"/>", name, pair[0], pair[1]);
}

static void put_statistics(struct buf *out, const struct compose_statistics *statistics)
{
    buf_str(out, STR("<period_scores>"));
    for (unsigned i = 0; i < statistics->n_periods; i++)
        buf_printf(out, "<period_score match_status_code=\"%d\" number=\"%u\""
                   " home_score=\"%d\" away_score=\"%d\"/>", statistics->periods[i].match_status,
                   i + 1, statistics->periods[i].score[0], statistics->periods[i].score[1]);
    buf_str(out, STR("</period_scores><statistics>"));
    put_pair(out, "yellow_cards", statistics->yellow);
    put_pair(out, "red_cards", statistics->red);
    put_pair(out, "corners", statistics->corners);
    buf_str(out, STR("</statistics>"));
}

static void put_clock(struct buf *out, const struct compose_score *score)
{
    buf_printf(out, "<clock match_time=\"%d:%02d\"", score->clock_s / 60, score->clock_s % 60);
    if (score->stoppage_s > 0)
        buf_printf(out, " stoppage_time=\"%d:%02d\"", score->stoppage_s / 60,
                   score->stoppage_s % 60);
    buf_str(out, STR("/>"));
}

static void put_score(struct buf *out, const struct compose_score *score)
{
    buf_str(out, STR("<sport_event_status"));
    put_number(out, "status", score->event_status);
    put_number(out, "match_status", score->match_status);
    put_number(out, "home_score", score->home);
    put_number(out, "away_score", score->away);
    if (score->statistics != NULL && score->statistics->shoot_out) {
        put_number(out, "home_penalty_score", score->statistics->penalties[0]);
        put_number(out, "away_penalty_score", score->statistics->penalties[1]);
    }
    buf_char(out, '>');
    if (score->clock_s >= 0)
        put_clock(out, score);
    if (score->statistics != NULL)
        put_statistics(out, score->statistics);
    buf_str(out, STR("</sport_event_status>\n"));
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
    if (odds_e4 == 0) {
        buf_printf(out, "<outcome id=\"%s\" active=\"0\"/>", outcome);
        return;
    }
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

void compose_cancel(struct buf *out, const struct compose_head *head, int64_t start_ms,
                    int64_t end_ms)
{
    put_head(out, "bet_cancel", head);
    put_number(out, "start_time", start_ms);
    put_number(out, "end_time", end_ms);
    buf_str(out, STR(">\n"));
}

void compose_cancel_end(struct buf *out)
{
    buf_str(out, STR("</bet_cancel>\n"));
}

void compose_rollback(struct buf *out, const struct compose_head *head)
{
    put_head(out, "rollback_bet_settlement", head);
    buf_str(out, STR(">\n"));
}

void compose_rollback_end(struct buf *out)
{
    buf_str(out, STR("</rollback_bet_settlement>\n"));
}

void compose_bare_market(struct buf *out, unsigned market, struct str specifiers)
{
    buf_str(out, STR("<market"));
    put_number(out, "id", market);
    if (specifiers.n > 0)
        put_attribute(out, "specifiers", specifiers);
    buf_str(out, STR("/>\n"));
}
