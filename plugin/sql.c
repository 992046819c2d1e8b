#include "sql.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct sql_file *sql_find(const char *name)
{
    for (size_t i = 0; i < sql_file_count; i++)
        if (strcmp(sql_files[i].name, name) == 0)
            return &sql_files[i];
    return NULL;
}

static size_t word(const char *p)
{
    size_t n = 0;
    while (isalnum((unsigned char)p[n]) || p[n] == '_')
        n++;
    return n;
}

size_t sql_parameter(const char *text, int position, char *out, size_t room)
{
    static const char mark[] = "-- parameters:";
    const char *p = strstr(text, mark);
    if (p == NULL)
        return 0;
    p += strlen(mark);
    for (int i = 0;; i++) {
        p += strspn(p, " ");
        if (p[0] == '\n' && strncmp(p + 1, mark, strlen(mark)) == 0)
            p += 1 + strlen(mark) + strspn(p + 1 + strlen(mark), " ");
        size_t n = word(p);
        if (n == 0 || n >= room)
            return 0;
        if (i == position) {
            memcpy(out, p, n);
            out[n] = '\0';
            return n;
        }
        p += n;
    }
}

/* The number of the parameter, from 1; 0 when the list does not name it. */
static int number_of(const char *text, const char *name, size_t size)
{
    char known[64];
    for (int i = 0; sql_parameter(text, i, known, sizeof known) > 0; i++)
        if (strlen(known) == size && strncmp(known, name, size) == 0)
            return i + 1;
    return 0;
}

/* Writes what stands for the variable at `p` (behind its colon).  Returns how much of the text it
 * takes the place of, 0 when there is no variable, -1 for an unknown one. */
static int put_variable(FILE *out, const char *text, const char *p, const char *schema,
                        const char *const *literals)
{
    static const char schema_variable[] = "\"schema\"";
    if (strncmp(p, schema_variable, strlen(schema_variable)) == 0) {
        fputs(schema, out);
        return (int)strlen(schema_variable);
    }
    size_t n = p[0] == '\'' ? word(p + 1) : 0;
    if (n == 0 || p[n + 1] != '\'')
        return 0;
    int number = number_of(text, p + 1, n);
    if (literals == NULL || number == 0)
        fprintf(out, "$%d", number);
    else
        fputs(literals[number - 1], out);
    return number > 0 ? (int)n + 2 : -1;
}

char *sql_fill(const char *text, const char *schema, const char *const *literals)
{
    char *sql = NULL;
    size_t size = 0;
    bool known = true;
    FILE *out = open_memstream(&sql, &size);
    if (out == NULL)
        return NULL;
    for (const char *p = text; *p != '\0' && known;) {
        int used = p[0] == ':' ? put_variable(out, text, p + 1, schema, literals) : 0;
        if (used == 0)
            fputc(*p, out);
        known = used >= 0;
        p += 1 + (used > 0 ? used : 0);
    }
    if (fclose(out) != 0 || !known) {
        free(sql);
        return NULL;
    }
    return sql;
}

char *sql_prepare(const char *text, const char *schema)
{
    return sql_fill(text, schema, NULL);
}

char *sql_named(const char *name, const char *schema)
{
    const struct sql_file *file = sql_find(name);
    return file != NULL ? sql_prepare(file->text, schema) : NULL;
}
