/* The topic results, written: see results_out.h. */
#include "topic/results_out.h"

#include "model/slot.h"
#include "topic/fact_record.h"

void results_out_send(const struct results_out *out, const struct fact *facts, uint32_t n,
                      int64_t position)
{
    CHECK(out->partition < out->count);
    for (uint32_t i = 0; i < n; i++) {
        if (slot_of(facts[i].id.event) % out->count != out->partition)
            continue;
        buf_reset(out->text);
        fact_record_write(&facts[i], out->scratch, out->text);
        steps_send(out->steps, &(struct kafka_record){
            .topic = TOPIC_RESULTS, .partition = (int32_t)out->partition,
            .key = facts[i].id.event, .value = buf_view(out->text), .position = position });
    }
}
