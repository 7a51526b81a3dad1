/*
 * Records of the bus, read: JSON objects with a version "v".  Members that a
 * reader does not know it passes over; the first that is missing or wrong is
 * kept as the fault, and everything read after it is empty.
 */
#ifndef BASE_JSON_RECORD_H
#define BASE_JSON_RECORD_H

#include <jansson.h>
#include <stdint.h>

#include "base/check.h"
#include "base/str.h"

struct json_record {
    json_t *document;    /* strings are borrowed from it */
    const json_t *object; /* whose members are asked for */
    const char *fault;   /* the member; NULL: none */
};

/* False: no JSON object of this version; record->fault says which. */
bool json_record_open(struct json_record *record, struct str value, int64_t version) MUST_USE;
void json_record_close(struct json_record *record);

/* Out of range or missing: `least`, and a fault. */
int64_t json_record_int(struct json_record *record, const char *name, int64_t least,
                        int64_t most);
/* When it is not there: `without`, and no fault. */
int64_t json_record_int_or(struct json_record *record, const char *name, int64_t least,
                           int64_t most, int64_t without);
bool json_record_bool(struct json_record *record, const char *name);
struct str json_record_str(struct json_record *record, const char *name, size_t most);
/* The array's length; more than `most` is a fault. */
uint32_t json_record_array(struct json_record *record, const char *name, uint32_t most,
                           const json_t **array);
/* From now on the members of the array's i-th object. */
void json_record_at(struct json_record *record, const json_t *array, uint32_t i);
/* Names the fault from outside. */
void json_record_fault(struct json_record *record, const char *name);

#endif
