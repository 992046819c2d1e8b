#include "request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "params.h"

static const char example[] = "{\"protocol\":1,\"params\":{\"max_tokens\":20}}";

static int check_protocol(const json_t *root, struct error *err)
{
    const json_t *protocol = json_object_get(root, "protocol");
    if (protocol == NULL)
        return error_set(err, EPROTO, "protocol: is missing, 1 is needed");
    if (json_is_integer(protocol) && json_integer_value(protocol) == 1)
        return 0;
    char *text = json_dumps(protocol, JSON_ENCODE_ANY | JSON_COMPACT);
    error_set(err, EPROTO, "protocol: %.60s is not 1", text != NULL ? text : "this");
    free(text);
    return -1;
}

static int read_param(struct request *r, const char *name, const json_t *value, struct error *err)
{
    int index = params_find(name);
    if (index >= 0)
        return params_set_json(&r->params, index, value, err);
    if (strcmp(name, "profile_immediately") != 0)
        return error_set(err, EINVAL, "%.60s: there is no such parameter", name);
    if (!json_is_boolean(value))
        return error_set(err, EINVAL, "profile_immediately: is neither true nor false");
    r->profile = json_is_true(value);
    return 0;
}

static int read_params(const json_t *root, struct request *r, struct error *err)
{
    json_t *params = json_object_get(root, "params");
    if (!json_is_object(params))
        return error_set(err, EPROTO, "params: an object is needed");
    const char *name;
    json_t *value;
    json_object_foreach (params, name, value) {
        if (read_param(r, name, value, err) != 0)
            return error_wrap(err, "params");
    }
    return 0;
}

int request_parse(const char *text, size_t size, struct request *out, struct error *err)
{
    json_error_t why;
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &why);
    if (root == NULL)
        return error_set(err, EPROTO, "request: %s (such a line is needed: %s)",
                         why.text[0] != '\0' ? why.text : "out of memory", example);
    struct request r = {.profile = true};
    params_default(&r.params);
    int failed = json_is_object(root)
                     ? check_protocol(root, err) != 0 || read_params(root, &r, err) != 0
                     : error_set(err, EPROTO, "an object is needed");
    json_decref(root);
    if (failed)
        return error_wrap(err, "request");
    *out = r;
    return 0;
}

int request_read(FILE *in, struct request *out, struct error *err)
{
    char *line = malloc(REQUEST_LIMIT);
    if (line == NULL)
        return error_set(err, ENOMEM, "out of memory");
    size_t size = 0;
    int c = EOF;
    while (size < REQUEST_LIMIT && (c = getc(in)) != EOF && c != '\n')
        line[size++] = (char)c;
    int failed;
    if (ferror(in))
        failed = error_set(err, EIO, "request: stdin cannot be read");
    else if (size == REQUEST_LIMIT)
        failed = error_set(err, EMSGSIZE, "request: longer than %d bytes", REQUEST_LIMIT - 1);
    else if (size == 0)
        failed = error_set(err, EPROTO, "request: nothing on stdin (such a line is needed: %s)",
                           example);
    else
        failed = request_parse(line, size, out, err);
    free(line);
    return failed;
}
