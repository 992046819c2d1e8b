/* Parameters as /openapi.json describes them. */
#include "admin/parameters.h"

static double scale(const struct parameter *p)
{
    double steps = 1;
    for (int i = 0; i < p->decimals; i++)
        steps *= 10;
    return steps;
}

static json_t *number_schema(const struct parameter *p)
{
    bool whole = p->kind == KIND_WHOLE || p->decimals == 0;
    json_t *schema = json_pack("{s:s}", "type", whole ? "integer" : "number");
    double steps = scale(p);
    json_object_set_new(schema, "minimum",
                        whole ? json_integer(p->min) : json_real((double)p->min / steps));
    json_object_set_new(schema, "maximum",
                        whole ? json_integer(p->max) : json_real((double)p->max / steps));
    if (p->def != 0)
        json_object_set_new(schema, "default", json_integer(p->def));
    return schema;
}

static json_t *name_schema(const struct parameter *p)
{
    json_t *names = json_array();
    for (size_t i = 0; p->names[i] != NULL; i++)
        json_array_append_new(names, json_string(p->names[i]));
    return json_pack("{s:s, s:o}", "type", "string", "enum", names);
}

static json_t *text_schema(const struct parameter *p)
{
    static const int most[] = {[KIND_SCHEDULE] = PARAMETER_SCHEDULE_MAX,
                               [KIND_TEXT] = PARAMETER_TEXT_MAX,
                               [KIND_ADDRESS] = PARAMETER_ADDRESS_MAX,
                               [KIND_CURSOR] = PARAMETER_CURSOR_MAX};
    if (p->kind == KIND_ID)
        return json_pack("{s:s, s:s}", "type", "string", "format", "uuid");
    if (p->kind == KIND_TIME || p->kind == KIND_ZONE)
        return json_pack("{s:s}", "type", "string");
    return json_pack("{s:s, s:i, s:i}", "type", "string", "minLength", 1, "maxLength",
                     most[p->kind]);
}

json_t *parameter_schema(const struct parameter *p)
{
    json_t *schema = p->kind == KIND_WHOLE || p->kind == KIND_DECIMAL ? number_schema(p)
                     : p->kind == KIND_NAME                           ? name_schema(p)
                                                                      : text_schema(p);
    if (p->def_name != NULL)
        json_object_set_new(schema, "default", json_string(p->def_name));
    return schema;
}
