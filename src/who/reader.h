/*
 * Requests that read: a session whose epoch was compared with the store's at
 * most 60 s ago (rule 15), or now when `fresh`; statements; one answer, by
 * reader_json(), reader_empty() or reader_refuse().
 */
#ifndef WHO_READER_H
#define WHO_READER_H

#include "base/json.h"
#include "model/refusal.h"
#include "who/session.h"

struct read_request {
    uint32_t magic;            /* it comes back from the store through void * */
    struct who *who;
    struct http_request *request;
    struct session session;
    struct store_exec exec;
    void (*then)(struct read_request *reader);
    void (*rows)(struct read_request *reader);
    void *own;                 /* the handler's */
};

/* Refuses by itself when the request has no valid session. */
void reader_start(struct who *who, struct http_request *request, bool fresh,
                  void *own, void (*then)(struct read_request *reader));
/* Runs one statement; `rows` gets its result.  Refuses with 503 by itself. */
void reader_exec(struct read_request *reader, struct statement_call call,
                 void (*rows)(struct read_request *reader));
/* So many (<= 4) in one transaction; the rows are the last one's. */
void reader_exec_all(struct read_request *reader, const struct statement_call *calls, uint32_t n,
                     void (*rows)(struct read_request *reader));
/* For what the answer says; empty, and never kept across an answer. */
struct buf *reader_out(struct read_request *reader);
void reader_json(struct read_request *reader, int status, struct str body);
void reader_empty(struct read_request *reader, int status);
void reader_refuse(struct read_request *reader, enum refusal refusal, struct str detail);
void reader_refuse_with(struct read_request *reader, enum refusal refusal, struct str members);

/* ?after= and ?limit=; false: *error says what is wrong. */
bool reader_page(struct http_request *request, struct str *after, int64_t *limit,
                 struct str *error) MUST_USE;
/* Digits alone, > 0. */
bool reader_id(struct str text, int64_t *id) MUST_USE;

#endif
