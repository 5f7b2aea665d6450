/* Just enough JSON for the subject protocol: values are looked up where they stand in a line, and
 * answers are written into a buffer that grows.  Keys and strings of the protocol have no escapes. */
#ifndef JSON_H
#define JSON_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reading */

static const char *skip_space(const char *at) { return at + strspn(at, " \t\r\n"); }

/* The end of the value that begins here. */
static const char *skip_value(const char *at) {
    int depth = 0;
    for (;; at++) {
        if (*at == '\0') return at;
        if (*at == '"') {
            at = strchr(at + 1, '"');
            if (at == NULL) exit(2);
        } else if (*at == '{' || *at == '[') {
            depth++;
            continue;
        } else if (*at == '}' || *at == ']') {
            depth--;
        } else if (depth > 0 || strchr(",:}] \t\r\n", at[1]) == NULL) {
            continue;
        }
        if (depth <= 0) return at + 1;
    }
}

/* The value of an object's field, NULL where there is none. */
static const char *field(const char *object, const char *name) {
    size_t length = strlen(name);
    const char *at = skip_space(skip_space(object) + 1);
    while (*at == '"') {
        bool is_it = strncmp(at + 1, name, length) == 0 && at[length + 1] == '"';
        at = skip_space(skip_space(skip_value(at)) + 1); /* past the colon */
        if (is_it) return at;
        at = skip_space(skip_value(at));
        if (*at == ',') at = skip_space(at + 1);
    }
    return NULL;
}

/* The first item of a list, NULL where it is empty; and the one after an item. */
static const char *first_item(const char *list) {
    const char *at = skip_space(skip_space(list) + 1);
    return *at == ']' ? NULL : at;
}

static const char *next_item(const char *item) {
    const char *at = skip_space(skip_value(item));
    return *at == ',' ? skip_space(at + 1) : NULL;
}

static bool is_string(const char *value, const char *text) {
    size_t length = strlen(text);
    return *value == '"' && strncmp(value + 1, text, length) == 0 && value[length + 1] == '"';
}

static bool is_null(const char *value) { return *value == 'n'; }
static bool is_true(const char *value) { return value != NULL && *value == 't'; }
static uint64_t number(const char *value) { return strtoull(value, NULL, 10); }
static uint64_t number_of(const char *object, const char *name) {
    return number(field(object, name));
}

/* Writing */

typedef struct {
    char *text;
    size_t length, room;
} Buffer;

static void put(Buffer *buffer, const char *format, ...) {
    for (;;) {
        va_list arguments;
        va_start(arguments, format);
        size_t left = buffer->room - buffer->length;
        int written = vsnprintf(buffer->text ? buffer->text + buffer->length : NULL, left, format,
                                arguments);
        va_end(arguments);
        if (written < 0) exit(2);
        if ((size_t)written < left) {
            buffer->length += (size_t)written;
            return;
        }
        buffer->room = 2 * buffer->room + (size_t)written + 1;
        buffer->text = realloc(buffer->text, buffer->room);
        if (buffer->text == NULL) exit(2);
    }
}

static void clear(Buffer *buffer) { buffer->length = 0; }

#endif
