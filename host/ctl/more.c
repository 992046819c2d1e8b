#include "ctl/more.h"

#include <string.h>

#include "ctl/answers.h"
#include "ctl/arguments.h"

/* As one word of a shell. */
static void print_quoted(FILE *out, const char *text)
{
    fputc('\'', out);
    for (; *text != '\0'; text++)
        if (*text == '\'')
            fputs("'\\''", out);
        else
            fputc(*text, out);
    fputc('\'', out);
}

/* Quoted only if a shell would see something in it. */
static void print_word(FILE *out, const char *text)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:-";
    if (text[0] != '\0' && strspn(text, plain) == strlen(text))
        fputs(text, out);
    else
        print_quoted(out, text);
}

static bool is_of_place(const char *option)
{
    return strcmp(option, "cursor") == 0 || strcmp(option, "page") == 0;
}

void more_say(struct session *s, const json_t *answer, const char *command, const char *word)
{
    const struct arguments *a = s->arguments;
    const char *cursor = field_text(answer, "next_cursor");
    if (cursor == NULL)
        return;
    fprintf(s->out, "more: walltrackctl %s", command);
    if (word != NULL) {
        fputc(' ', s->out);
        print_word(s->out, word);
    }
    for (size_t i = 0; i < a->n_options; i++) {
        if (is_of_place(a->options[i].name))
            continue;
        fprintf(s->out, " --%s", a->options[i].name);
        if (!arguments_takes_value(a->options[i].name))
            continue;
        fputc(' ', s->out);
        print_quoted(s->out, a->options[i].value);
    }
    fputs(" --cursor ", s->out);
    print_word(s->out, cursor);
    fputc('\n', s->out);
}
