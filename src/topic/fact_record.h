/*
 * A fact as a record of the topic results, and back (docs/EVENTS.md):
 *
 *   key    the event
 *   value  {"v":1,"position":123,"kind":"settlement","rank":"feed","event":"sr:match:1",
 *           "market":1,"specifiers":"","producer":3,"timestamp":1700000000000,
 *           "certainty":2,"start":0,"stopped":0,"outcomes":"1=1,0,1000000000000;…"}
 *
 * "end" is there for a cancel that ends.  Members that a reader does not know
 * it passes over; another "v" it does not read.
 */
#ifndef TOPIC_FACT_RECORD_H
#define TOPIC_FACT_RECORD_H

#include "base/buf.h"
#include "model/facts.h"

/* The value, into out.  Scratch is for the outcomes' text. */
void fact_record_write(const struct fact *fact, struct arena *scratch, struct buf *out);
/* False: *error says what is wrong with it.  Strings go into arena. */
bool fact_record_read(struct str value, struct arena *arena, struct fact *fact,
                      struct str *error) MUST_USE;

#endif
