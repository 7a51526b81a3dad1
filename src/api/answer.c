/*
 * Answers: JSON and RFC 9457 problem documents.  The refusal's row in
 * tbl/refusals.h gives status, title and code; the caller gives the sentence
 * for this occurrence and what the client needs to go on.
 */
#include "api/answer.h"

#include "base/json.h"
#include "base/limits.h"

#define PROBLEM_TYPE "https://overround.dev/problems/"

void answer_json_with(struct http_request *request, int status, struct str body,
                      const struct http_header *headers, size_t n_headers)
{
    http_respond(request, status, "application/json", body, headers, n_headers);
}

void answer_json(struct http_request *request, int status, struct str body)
{
    answer_json_with(request, status, body, NULL, 0);
}

void answer_empty(struct http_request *request, int status)
{
    http_respond(request, status, NULL, STR_NONE, NULL, 0);
}

void answer_refusal_body(struct buf *out, enum refusal refusal, struct str detail,
                         struct str members)
{
    const struct refusal_info *info = refusal_info(refusal);

    CHECK(info != NULL);
    buf_str(out, STR("{\"type\":\"" PROBLEM_TYPE));
    buf_str(out, str_of(info->code));
    buf_str(out, STR("\",\"title\":\""));
    buf_str(out, str_of(info->title));
    buf_str(out, STR("\",\"status\":"));
    buf_int(out, info->status);
    if (detail.n > 0) {
        struct jw w = jw_to(out);

        buf_str(out, STR(",\"detail\":"));
        jw_str(&w, detail);
    }
    buf_str(out, STR(",\"code\":\""));
    buf_str(out, str_of(info->code));
    buf_char(out, '"');
    if (members.n > 0) {
        buf_char(out, ',');
        buf_str(out, members);
    }
    buf_char(out, '}');
}

/* What a status owes its client besides the body. */
static size_t refusal_headers(int status, struct http_header *header)
{
    switch (status) {
    case 429:
    case 503:
        *header = (struct http_header){ "Retry-After", STR("1") };
        return 1;
    case 401:
        *header = (struct http_header){ "WWW-Authenticate", STR("Bearer") };
        return 1;
    default:
        return 0;
    }
}

void answer_label(struct http_request *request, enum refusal refusal)
{
    request->label = str_of(refusal_info(refusal)->code);
}

static void answer_problem(struct http_request *request, enum refusal refusal,
                           struct str detail, struct str members,
                           const struct http_header *header, size_t n_headers)
{
    struct buf body;

    buf_init(&body, LIMIT_RESPONSE_BYTES);
    answer_refusal_body(&body, refusal, detail, members);
    answer_label(request, refusal);
    http_respond(request, refusal_info(refusal)->status, "application/problem+json",
                 buf_view(&body), header, n_headers);
    buf_fini(&body);
}

void answer_refusal(struct http_request *request, enum refusal refusal,
                    struct str detail, struct str members)
{
    struct http_header header = { NULL, STR_NONE };
    size_t n = refusal_headers(refusal_info(refusal)->status, &header);

    answer_problem(request, refusal, detail, members, &header, n);
}

void answer_refusal_with(struct http_request *request, enum refusal refusal, struct str detail,
                         const struct http_header *headers, size_t n_headers)
{
    answer_problem(request, refusal, detail, STR_NONE, headers, n_headers);
}

void answer_method_not_allowed(struct http_request *request, struct str allow)
{
    struct http_header header = { "Allow", allow };

    answer_problem(request, REFUSE_METHOD_NOT_ALLOWED, STR_NONE, STR_NONE, &header, 1);
}
