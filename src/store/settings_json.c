/* SPDX-License-Identifier: Apache-2.0 */
/* Settings as a JSON object, written and read row by row. */
#include "store/settings_json.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- writing ---- */

/* A JSON number holds 53 bits only: a seed is a string of decimal digits. */
static cJSON *value_to_json(const struct setting *setting, union setting_value value) {
    char text[MINRNN_SETTING_TEXT];
    switch (setting->shown.kind) {
    case MINRNN_SETTING_INTEGER: return cJSON_CreateNumber((double)value.integer);
    case MINRNN_SETTING_REAL: return cJSON_CreateNumber((double)value.real);
    case MINRNN_SETTING_FLAG: return cJSON_CreateBool(value.flag);
    case MINRNN_SETTING_SEED:
    case MINRNN_SETTING_CHOICE:
    case MINRNN_SETTING_NAME: break;
    }
    setting_print(setting, value, text);
    return cJSON_CreateString(text);
}

static bool add(cJSON *object, const struct setting *setting, union setting_value value) {
    cJSON *item = value_to_json(setting, value);
    if (cJSON_AddItemToObject(object, setting->shown.name, item)) {
        return true;
    }
    cJSON_Delete(item); /* or nobody would */
    return false;
}

char *settings_print(const struct settings *settings, const void *config) {
    cJSON *object = cJSON_CreateObject();
    struct settings_walk walk = settings_walk(settings, config);
    bool whole = object;
    while (whole && settings_next(&walk)) {
        whole = walk.setting->unsaved || add(object, walk.setting, setting_load(&walk, config));
    }
    char *printed = whole ? cJSON_PrintUnformatted(object) : NULL;
    char *text = NULL;
    if (printed) {
        text = mem_strdup(printed);
    } else {
        error_text_set("out of host memory for a configuration's text");
    }
    cJSON_free(printed);
    cJSON_Delete(object);
    return text;
}

/* ---- reading ---- */

static bool read_integer(const cJSON *item, int64_t *value) {
    const double number = cJSON_IsNumber(item) ? item->valuedouble : NAN;
    if (!(fabs(number) <= 0x1p53) || number != floor(number)) {
        return false;
    }
    *value = (int64_t)number;
    return true;
}

static bool read_real(const cJSON *item, float *value) {
    const double number = cJSON_IsNumber(item) ? item->valuedouble : NAN;
    if (!(fabs(number) <= 0x1.fffffep127)) {
        return false;
    }
    *value = (float)number;
    return true;
}

/* Strings are as people write the values. */
static bool read_text(const struct setting *setting, const cJSON *item,
                      union setting_value *value) {
    const char *text = cJSON_GetStringValue(item);
    return text && utf8_is_plain(text) && setting_parse(setting, text, value);
}

static bool read_value(const struct setting *setting, const cJSON *item,
                       union setting_value *value) {
    *value = (union setting_value){.name = ""};
    switch (setting->shown.kind) {
    case MINRNN_SETTING_INTEGER: return read_integer(item, &value->integer);
    case MINRNN_SETTING_REAL: return read_real(item, &value->real);
    case MINRNN_SETTING_FLAG: value->flag = cJSON_IsTrue(item); return cJSON_IsBool(item);
    case MINRNN_SETTING_SEED:
    case MINRNN_SETTING_CHOICE:
    case MINRNN_SETTING_NAME: break;
    }
    return read_text(setting, item, value);
}

/* The setting's item, out of the object; NULL if there is none. */
static cJSON *take_item(cJSON *object, const struct setting *setting) {
    cJSON *item = cJSON_DetachItemFromObjectCaseSensitive(object, setting->shown.name);
    return item || !setting->former
               ? item
               : cJSON_DetachItemFromObjectCaseSensitive(object, setting->former);
}

/* Reads what is there of the rows, leaving in the object what they do not name. */
static minrnn_status read_rows(const struct settings *settings, const char *where, cJSON *object,
                               void *config) {
    struct settings_walk walk = settings_walk(settings, config);
    while (settings_next(&walk)) {
        cJSON *item = walk.setting->unsaved ? NULL : take_item(object, walk.setting);
        union setting_value value;
        const bool is_right = !item || read_value(walk.setting, item, &value);
        cJSON_Delete(item);
        if (!is_right) {
            return fail(MINRNN_FORMAT_ERROR, "%s: its configuration has no allowed value for %s",
                        where, walk.setting->shown.name);
        }
        if (item && walk.setting->own && setting_check(&walk, value)) {
            return fail_in(MINRNN_FORMAT_ERROR, "%s", where);
        }
        if (item) {
            setting_store(&walk, config, value);
        }
    }
    return MINRNN_OK;
}

static bool is_known(const struct settings *settings, const void *config, const char *name) {
    struct settings_walk walk = settings_walk(settings, config);
    while (settings_next(&walk)) {
        const struct setting *setting = walk.setting;
        if (!setting->unsaved && (strcmp(name, setting->shown.name) == 0 ||
                                  (setting->former && strcmp(name, setting->former) == 0))) {
            return true;
        }
    }
    return false;
}

static minrnn_status refuse_rest(const struct settings *settings, const char *where,
                                 const cJSON *object, const void *config) {
    const cJSON *rest = object->child;
    if (!rest) {
        return MINRNN_OK;
    }
    return is_known(settings, config, rest->string)
               ? fail(MINRNN_FORMAT_ERROR, "%s: its configuration has the setting %s twice", where,
                      rest->string)
               : fail(MINRNN_FORMAT_ERROR,
                      "%s: its configuration has a setting \"%.64s\" that minrnn %s does not know",
                      where, utf8_is_plain(rest->string) ? rest->string : "?", minrnn_version());
}

minrnn_status settings_read(const struct settings *settings, const char *where, const char *json,
                            void *config) {
    cJSON *object = cJSON_Parse(json);
    minrnn_status status = MINRNN_OK;
    if (!cJSON_IsObject(object)) {
        /* cJSON does not tell whether it lacked memory. */
        status = fail(MINRNN_FORMAT_ERROR, "%s: its configuration is not a JSON object%s", where,
                      object ? "" : ", or memory to read it ran out");
    } else {
        settings_defaults(settings, config);
        status = read_rows(settings, where, object, config);
        status = status ? status : refuse_rest(settings, where, object, config);
    }
    cJSON_Delete(object);
    return status;
}
