#include "store/settings_json.h"

#include <minrnn/trainer.h>

#include "base/alloc.h"
#include "base/utf8.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum field_kind {
    FIELD_INT64,  /* a number */
    FIELD_UINT64, /* a string of decimal digits: a JSON number holds 53 bits only */
    FIELD_FLOAT,  /* a number */
    FIELD_BOOL,
    FIELD_ENUM, /* one of `names`, which a NULL ends */
    FIELD_NAME  /* a string, a char[16] */
};

struct config_field {
    const char *name;
    enum field_kind kind;
    size_t offset;
    const char *const *names;
};

enum { NAME_BYTES = sizeof((minrnn_mixer_config *)0)->name };

/* An enum is read and written as this type. */
_Static_assert(sizeof(minrnn_candidate) == sizeof(unsigned) &&
                   sizeof(minrnn_scan_alg) == sizeof(unsigned) &&
                   sizeof(minrnn_feed_forward) == sizeof(unsigned) &&
                   sizeof(minrnn_schedule) == sizeof(unsigned),
               "an enum is as large as an unsigned");

static const char *const candidates[] = {"plain", "g", NULL};
static const char *const algs[] = {"linear", "log", NULL};
static const char *const feed_forwards[] = {"none", "gelu", "geglu", NULL};
static const char *const schedules[] = {"constant", "cosine", NULL};

#define MODEL(member) offsetof(minrnn_model_config, member)
static const struct config_field model_fields[] = {
    {"vocab", FIELD_INT64, MODEL(vocab), NULL},
    {"width", FIELD_INT64, MODEL(width), NULL},
    {"layers", FIELD_INT64, MODEL(layers), NULL},
    {"mixer", FIELD_NAME, MODEL(mixer.name), NULL},
    {"expansion", FIELD_FLOAT, MODEL(mixer.expansion), NULL},
    {"candidate", FIELD_ENUM, MODEL(mixer.candidate), candidates},
    {"alg", FIELD_ENUM, MODEL(mixer.alg), algs},
    {"normalised", FIELD_BOOL, MODEL(mixer.normalised), NULL},
    {"bias", FIELD_BOOL, MODEL(mixer.bias), NULL},
    {"project", FIELD_BOOL, MODEL(mixer.project), NULL},
    {"learned_init", FIELD_BOOL, MODEL(mixer.learned_init), NULL},
    {"forget_offset", FIELD_FLOAT, MODEL(mixer.forget_offset), NULL},
    {"conv", FIELD_INT64, MODEL(conv), NULL},
    {"conv_pointwise", FIELD_BOOL, MODEL(conv_pointwise), NULL},
    {"feed_forward", FIELD_ENUM, MODEL(feed_forward), feed_forwards},
    {"feed_forward_factor", FIELD_FLOAT, MODEL(feed_forward_factor), NULL},
    {"dropout", FIELD_FLOAT, MODEL(dropout), NULL},
};

#define TRAINER(member) offsetof(minrnn_trainer_config, member)
static const struct config_field trainer_fields[] = {
    {"batch", FIELD_INT64, TRAINER(batch), NULL},
    {"time", FIELD_INT64, TRAINER(time), NULL},
    {"accumulation", FIELD_INT64, TRAINER(accumulation), NULL},
    {"steps", FIELD_INT64, TRAINER(steps), NULL},
    {"rate", FIELD_FLOAT, TRAINER(rate), NULL},
    {"min_rate", FIELD_FLOAT, TRAINER(min_rate), NULL},
    {"warmup", FIELD_INT64, TRAINER(warmup), NULL},
    {"schedule", FIELD_ENUM, TRAINER(schedule), schedules},
    {"beta1", FIELD_FLOAT, TRAINER(beta1), NULL},
    {"beta2", FIELD_FLOAT, TRAINER(beta2), NULL},
    {"epsilon", FIELD_FLOAT, TRAINER(epsilon), NULL},
    {"weight_decay", FIELD_FLOAT, TRAINER(weight_decay), NULL},
    {"clip", FIELD_FLOAT, TRAINER(clip), NULL},
    {"seed", FIELD_UINT64, TRAINER(seed), NULL},
};

const struct config_fields model_config_fields = {model_fields,
                                                  sizeof model_fields / sizeof *model_fields};
const struct config_fields trainer_config_fields = {trainer_fields,
                                                    sizeof trainer_fields / sizeof *trainer_fields};

/* A field's value, the member of its kind being set. */
union value {
    int64_t int64;
    uint64_t uint64;
    float real;
    bool boolean;
    unsigned choice;
    char name[NAME_BYTES];
};

static size_t value_bytes(enum field_kind kind) {
    switch (kind) {
    case FIELD_INT64: return sizeof(int64_t);
    case FIELD_UINT64: return sizeof(uint64_t);
    case FIELD_FLOAT: return sizeof(float);
    case FIELD_BOOL: return sizeof(bool);
    case FIELD_ENUM: return sizeof(unsigned);
    case FIELD_NAME: return NAME_BYTES;
    }
    return 0;
}

static union value get(const struct config_field *field, const void *config) {
    union value value = {0};
    memcpy(&value, (const char *)config + field->offset, value_bytes(field->kind));
    return value;
}

static cJSON *value_to_json(const struct config_field *field, union value value) {
    char digits[24];
    switch (field->kind) {
    case FIELD_INT64: return cJSON_CreateNumber((double)value.int64);
    case FIELD_UINT64:
        snprintf(digits, sizeof digits, "%" PRIu64, value.uint64);
        return cJSON_CreateString(digits);
    case FIELD_FLOAT: return cJSON_CreateNumber((double)value.real);
    case FIELD_BOOL: return cJSON_CreateBool(value.boolean);
    case FIELD_ENUM: return cJSON_CreateString(field->names[value.choice]);
    case FIELD_NAME: return cJSON_CreateString(value.name);
    }
    return NULL;
}

char *config_print(const struct config_fields *fields, const void *config) {
    char *text = NULL;
    cJSON *object = cJSON_CreateObject();
    for (int i = 0; i < fields->count; i++) {
        const struct config_field *field = &fields->fields[i];
        cJSON *item = value_to_json(field, get(field, config));
        if (!cJSON_AddItemToObject(object, field->name, item)) {
            cJSON_Delete(item); /* or nobody would */
        }
    }
    char *printed =
        cJSON_GetArraySize(object) == fields->count ? cJSON_PrintUnformatted(object) : NULL;
    if (printed) {
        text = mem_strdup(printed);
    } else {
        error_text_set("out of host memory for a configuration's text");
    }
    cJSON_free(printed);
    cJSON_Delete(object);
    return text;
}

static bool parse_int64(const cJSON *item, union value *value) {
    const double number = cJSON_IsNumber(item) ? item->valuedouble : NAN;
    if (!(fabs(number) <= 0x1p53) || number != floor(number)) {
        return false;
    }
    value->int64 = (int64_t)number;
    return true;
}

static bool parse_uint64(const cJSON *item, union value *value) {
    const char *digits = cJSON_GetStringValue(item);
    if (!digits || digits[0] == 0 || digits[strspn(digits, "0123456789")] != 0) {
        return false;
    }
    errno = 0;
    value->uint64 = strtoull(digits, NULL, 10);
    return errno == 0;
}

static bool parse_float(const cJSON *item, union value *value) {
    const double number = cJSON_IsNumber(item) ? item->valuedouble : NAN;
    if (!(fabs(number) <= 0x1.fffffep127)) {
        return false;
    }
    value->real = (float)number;
    return true;
}

static bool parse_enum(const cJSON *item, const char *const *names, union value *value) {
    const char *name = cJSON_GetStringValue(item);
    for (unsigned i = 0; name && names[i]; i++) {
        if (strcmp(name, names[i]) == 0) {
            value->choice = i;
            return true;
        }
    }
    return false;
}

static bool parse_name(const cJSON *item, union value *value) {
    const char *name = cJSON_GetStringValue(item);
    if (!name || strlen(name) >= NAME_BYTES || !utf8_is_plain(name)) {
        return false;
    }
    memcpy(value->name, name, strlen(name) + 1);
    return true;
}

static bool parse_value(const struct config_field *field, const cJSON *item, union value *value) {
    switch (field->kind) {
    case FIELD_INT64: return parse_int64(item, value);
    case FIELD_UINT64: return parse_uint64(item, value);
    case FIELD_FLOAT: return parse_float(item, value);
    case FIELD_BOOL: value->boolean = cJSON_IsTrue(item); return cJSON_IsBool(item);
    case FIELD_ENUM: return parse_enum(item, field->names, value);
    case FIELD_NAME: return parse_name(item, value);
    }
    return false;
}

minrnn_status config_parse(const struct config_fields *fields, const char *where, const char *json,
                           void *config) {
    cJSON *object = cJSON_Parse(json);
    minrnn_status status = MINRNN_OK;
    if (!cJSON_IsObject(object)) {
        /* cJSON does not tell whether it lacked memory. */
        status = fail(MINRNN_FORMAT_ERROR, "%s: its configuration is not a JSON object%s", where,
                      object ? "" : ", or memory to read it ran out");
        goto done;
    }
    for (int i = 0; i < fields->count; i++) {
        const struct config_field *field = &fields->fields[i];
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, field->name);
        union value value = {0};
        if (!item || !parse_value(field, item, &value)) {
            status = fail(MINRNN_FORMAT_ERROR, "%s: its configuration has %s %s", where,
                          item ? "no allowed value for" : "no", field->name);
            goto done;
        }
        memcpy((char *)config + field->offset, &value, value_bytes(field->kind));
    }
    /* All fields were found, so that any more is one this version does not know. */
    if (cJSON_GetArraySize(object) != fields->count) {
        status = fail(MINRNN_FORMAT_ERROR,
                      "%s: its configuration has fields that minrnn %s does not know", where,
                      minrnn_version());
    }
done:
    cJSON_Delete(object);
    return status;
}

static void print_value(const struct config_field *field, union value value, char *text,
                        size_t capacity) {
    switch (field->kind) {
    case FIELD_INT64: snprintf(text, capacity, "%" PRId64, value.int64); break;
    case FIELD_UINT64: snprintf(text, capacity, "%" PRIu64, value.uint64); break;
    case FIELD_FLOAT: snprintf(text, capacity, "%.9g", (double)value.real); break;
    case FIELD_BOOL: snprintf(text, capacity, "%s", value.boolean ? "true" : "false"); break;
    case FIELD_ENUM: snprintf(text, capacity, "%s", field->names[value.choice]); break;
    case FIELD_NAME: snprintf(text, capacity, "%s", value.name); break;
    }
}

minrnn_status config_compare(const struct config_fields *fields, const char *where, const void *a,
                             const void *b) {
    for (int i = 0; i < fields->count; i++) {
        const struct config_field *field = &fields->fields[i];
        const union value in_a = get(field, a), in_b = get(field, b);
        if (memcmp(&in_a, &in_b, value_bytes(field->kind)) != 0) {
            char text_a[32], text_b[32];
            print_value(field, in_a, text_a, sizeof text_a);
            print_value(field, in_b, text_b, sizeof text_b);
            return fail(MINRNN_INVALID_ARGUMENT, "%s has %s %s, not %s", where, field->name, text_a,
                        text_b);
        }
    }
    return MINRNN_OK;
}
