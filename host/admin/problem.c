#include "admin/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    unsigned status;
    const char *title;
} titles[] = {
    {200, "OK"},
    {202, "Accepted"},
    {400, "Bad Request"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {409, "Conflict"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {422, "Unprocessable Content"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

const char *problem_title(unsigned status)
{
    for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++)
        if (titles[i].status == status)
            return titles[i].title;
    return "Error";
}

/* Bytes of the UTF-8 character that begins here; 0 when it is not whole. */
static size_t character(const char *text)
{
    unsigned char first = (unsigned char)text[0];
    size_t size = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    for (size_t i = 1; i < size; i++)
        if (((unsigned char)text[i] & 0xc0) != 0x80)
            return 0;
    return size;
}

/* Text as a JSON string.  Values of clients are cut to fit into messages, also in the middle of a
 * character: what is left of that is dropped. */
static json_t *any_string(const char *text)
{
    char whole[1024];
    size_t used = 0;
    json_t *string = json_string(text);
    if (string != NULL)
        return string;
    while (*text != '\0' && used + 4 < sizeof whole) {
        size_t size = character(text);
        memcpy(whole + used, text, size);
        used += size;
        text += size > 0 ? size : 1;
    }
    string = json_stringn(whole, used);
    return string != NULL ? string : json_string("(text that is not UTF-8)");
}

void problem_add(json_t *errors, const char *field, const char *format, ...)
{
    char message[512];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    json_array_append_new(errors, json_pack("{s:o, s:o}", "field", any_string(field), "message",
                                            any_string(message)));
}

void problem_add_error(json_t *errors, const char *field, const struct error *err)
{
    size_t n = strlen(field);
    const char *message = err->msg;
    if (strncmp(message, field, n) == 0 && strncmp(message + n, ": ", 2) == 0)
        message += n + 2;
    problem_add(errors, field, "%s", message);
}

char *problem_text(unsigned status, const char *detail, json_t *errors)
{
    json_t *problem = json_pack("{s:i, s:s, s:o}", "status", (int)status, "title",
                                problem_title(status), "detail", any_string(detail));
    if (errors != NULL && json_array_size(errors) > 0)
        json_object_set(problem, "errors", errors);
    char *text = json_dumps(problem, JSON_COMPACT);
    json_decref(problem);
    return text;
}
