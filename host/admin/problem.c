#include "admin/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    unsigned status;
    const char *title;
} titles[] = {
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
};

const char *problem_title(unsigned status)
{
    for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++)
        if (titles[i].status == status)
            return titles[i].title;
    return "Error";
}

/* Text that may have been cut in the middle of a character, as a JSON string. */
static json_t *any_string(const char *text)
{
    size_t size = strlen(text);
    json_t *string = json_stringn(text, size);
    for (int cut = 0; string == NULL && cut < 4 && size > 0; cut++)
        string = json_stringn(text, --size);
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
