#include "journal/notes.h"

#include <stdlib.h>
#include <string.h>

struct note *notes_find(const struct notes *notes, const char *name)
{
    for (size_t i = 0; i < notes->n; i++)
        if (strcmp(notes->items[i]->name, name) == 0)
            return notes->items[i];
    return NULL;
}

static void free_note(struct note *note)
{
    if (note == NULL)
        return;
    free(note->name);
    free(note->text);
    free(note);
}

static bool make_room(struct notes *notes)
{
    if (notes->n < notes->room)
        return true;
    size_t room = notes->room == 0 ? 8 : notes->room * 2;
    struct note **items = reallocarray(notes->items, room, sizeof(struct note *));
    if (items == NULL)
        return false;
    notes->items = items;
    notes->room = room;
    return true;
}

struct note *notes_add(struct notes *notes, const char *name)
{
    struct note *note = notes_find(notes, name);
    if (note != NULL)
        return note;
    note = calloc(1, sizeof *note);
    if (note == NULL || (note->name = strdup(name)) == NULL || !make_room(notes)) {
        free_note(note);
        return NULL;
    }
    notes->items[notes->n++] = note;
    return note;
}

static void remove_note(struct notes *notes, struct note *note)
{
    size_t i = 0;
    while (notes->items[i] != note)
        i++;
    notes->items[i] = notes->items[--notes->n];
    free_note(note);
}

bool notes_set_text(struct notes *notes, const char *name, const char *text)
{
    struct note *note = notes_find(notes, name);
    if (text == NULL) {
        if (note != NULL)
            remove_note(notes, note);
        return true;
    }
    char *copy = strdup(text);
    if (copy != NULL && note == NULL)
        note = notes_add(notes, name);
    if (copy == NULL || note == NULL) {
        free(copy);
        return false;
    }
    free(note->text);
    note->text = copy;
    return true;
}

void notes_free(struct notes *notes)
{
    for (size_t i = 0; i < notes->n; i++)
        free_note(notes->items[i]);
    free(notes->items);
    *notes = (struct notes){0};
}

static bool load_one(void *arg, const struct store_note *from)
{
    struct notes *notes = arg;
    if (from->text != NULL)
        return notes_set_text(notes, from->name, from->text);
    struct note *note = notes_add(notes, from->name);
    if (note != NULL)
        note->number = from->number;
    return note != NULL;
}

int notes_load(struct notes *notes, struct store *s, enum store_notes which, struct error *err)
{
    return store_notes(s, which, load_one, notes, err);
}
