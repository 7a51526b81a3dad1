/* Members of a record, one at a time: see json_record.h. */
#include "base/json_record.h"

void json_record_fault(struct json_record *record, const char *name)
{
    if (record->fault == NULL)
        record->fault = name;
}

bool json_record_open(struct json_record *record, struct str value, int64_t version)
{
    json_t *document = json_loadb(value.p, value.n, 0, NULL);

    *record = (struct json_record){ .document = document, .object = document };
    if (!json_is_object(document)) {
        json_record_fault(record, "the object");
        return false;
    }
    (void)json_record_int(record, "v", version, version);
    return record->fault == NULL;
}

void json_record_close(struct json_record *record)
{
    json_decref(record->document);
    record->document = NULL;
    record->object = NULL;
}

int64_t json_record_int(struct json_record *record, const char *name, int64_t least, int64_t most)
{
    const json_t *value = json_object_get(record->object, name);
    int64_t n = json_integer_value(value);

    if (json_is_integer(value) && n >= least && n <= most)
        return n;
    json_record_fault(record, name);
    return least;
}

int64_t json_record_int_or(struct json_record *record, const char *name, int64_t least,
                           int64_t most, int64_t without)
{
    if (json_object_get(record->object, name) == NULL)
        return without;
    return json_record_int(record, name, least, most);
}

bool json_record_bool(struct json_record *record, const char *name)
{
    const json_t *value = json_object_get(record->object, name);

    if (!json_is_boolean(value))
        json_record_fault(record, name);
    return json_is_true(value);
}

struct str json_record_str(struct json_record *record, const char *name, size_t most)
{
    const json_t *value = json_object_get(record->object, name);

    if (json_is_string(value) && json_string_length(value) <= most)
        return (struct str){ json_string_value(value), json_string_length(value) };
    json_record_fault(record, name);
    return STR_NONE;
}

uint32_t json_record_array(struct json_record *record, const char *name, uint32_t most,
                           const json_t **array)
{
    *array = json_object_get(record->object, name);
    if (json_is_array(*array) && json_array_size(*array) <= most)
        return (uint32_t)json_array_size(*array);
    json_record_fault(record, name);
    return 0;
}

void json_record_at(struct json_record *record, const json_t *array, uint32_t i)
{
    record->object = json_array_get(array, i);
}
