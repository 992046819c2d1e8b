#include "ctl/commands.h"

#include <errno.h>
#include <string.h>

/* How many of the words are the name; 0: they are another one. */
static size_t names(const char *name, const char *const words[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(words[i]);
        if (strncmp(name, words[i], size) != 0)
            return 0;
        name += size;
        if (*name == '\0')
            return i + 1;
        if (*name++ != ' ')
            return 0;
    }
    return 0;
}

bool command_is_of_group(const struct command *command, const char *group)
{
    size_t size = strlen(group);
    return strncmp(command->name, group, size) == 0 && command->name[size] == ' ';
}

bool command_is_group(const char *word)
{
    for (size_t i = 0; i < commands_count; i++)
        if (command_is_of_group(&commands_table[i], word))
            return true;
    return false;
}

/* "there is no command 'plugin dance'; there are list, show, …" */
static void say_what_there_is(const char *group, const char *second, struct error *err)
{
    char list[256] = "";
    for (size_t i = 0; i < commands_count; i++) {
        const char *name = commands_table[i].name;
        size_t used = strlen(list);
        if (command_is_of_group(&commands_table[i], group))
            snprintf(list + used, sizeof list - used, "%s%s", used > 0 ? ", " : "",
                     name + strlen(group) + 1);
    }
    if (second == NULL)
        error_set(err, EINVAL, "%s needs one more word: %s", group, list);
    else
        error_set(err, EINVAL, "there is no command '%s %.60s'; there are %s", group, second, list);
}

const struct command *command_find(const char *const words[], size_t count, size_t *used,
                                   struct error *err)
{
    for (size_t i = 0; i < commands_count; i++) {
        *used = names(commands_table[i].name, words, count);
        if (*used > 0)
            return &commands_table[i];
    }
    if (command_is_group(words[0]))
        say_what_there_is(words[0], count > 1 ? words[1] : NULL, err);
    else
        error_set(err, EINVAL, "there is no command '%.60s'", words[0]);
    return NULL;
}
