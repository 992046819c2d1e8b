#include "elf/elf_check.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "elf/elf_policy.h"

/* ---- facts ---- */

struct note {
    uint32_t type;
    const unsigned char *name, *content;
    uint32_t name_size, content_size;
};

static uint64_t aligned(uint64_t size, uint64_t alignment)
{
    return (size + alignment - 1) & ~(alignment - 1);
}

/* Takes the note at `at` off the front; false at the end, and when it does not fit. */
static bool next_note(const unsigned char **at, uint64_t *left, uint64_t alignment,
                      struct note *out)
{
    Elf64_Nhdr head;
    if (*left < sizeof head)
        return false;
    memcpy(&head, *at, sizeof head);
    uint64_t content = aligned(sizeof head + (uint64_t)head.n_namesz, alignment);
    uint64_t end = content + head.n_descsz;
    if (end > *left)
        return false;
    *out =
        (struct note){head.n_type, *at + sizeof head, *at + content, head.n_namesz, head.n_descsz};
    uint64_t step = aligned(end, alignment) < *left ? aligned(end, alignment) : *left;
    *at += step;
    *left -= step;
    return true;
}

static bool is_build_id(const struct note *n)
{
    return n->type == NT_GNU_BUILD_ID && n->name_size == sizeof ELF_NOTE_GNU &&
           memcmp(n->name, ELF_NOTE_GNU, sizeof ELF_NOTE_GNU) == 0;
}

static void write_hex(char *out, size_t size, const struct note *n)
{
    for (size_t i = 0; i < n->content_size && 2 * i + 2 < size; i++)
        (void)sprintf(out + 2 * i, "%02x", n->content[i]);
}

/* The loader, too, looks into property notes, and believes their sizes. */
static int read_notes(const struct elf_image *image, struct elf_facts *facts, struct error *err)
{
    for (unsigned i = 0; i < image->n_segments; i++) {
        const Elf64_Phdr *s = &image->segments[i];
        if ((s->p_type != PT_NOTE && s->p_type != PT_GNU_PROPERTY) || s->p_filesz == 0)
            continue;
        const unsigned char *at = image->bytes + s->p_offset;
        uint64_t left = s->p_filesz;
        struct note note;
        while (next_note(&at, &left, s->p_align == 8 ? 8 : 4, &note))
            if (is_build_id(&note))
                write_hex(facts->build_id, sizeof facts->build_id, &note);
        if (left != 0)
            return ELF_DAMAGED(err, "segment %u: a note does not end inside it", i);
    }
    return 0;
}

static void list_needed(const struct elf_dynamic *d, struct elf_facts *facts)
{
    size_t used = 0;
    for (size_t i = 0; i < d->n_entries && used < sizeof facts->needed; i++) {
        Elf64_Dyn entry = elf_dynamic_entry(d, i);
        if (entry.d_tag != DT_NEEDED)
            continue;
        const char *name = elf_dynamic_string(d, entry.d_un.d_val);
        int n = snprintf(facts->needed + used, sizeof facts->needed - used, "%s%s",
                         used > 0 ? " " : "", elf_shown(name, d->strings_size).text);
        used += (size_t)n;
    }
}

/* ---- the check ---- */

/* The order decides which of several faults is named: is it a plugin at all, then does it keep
 * to the rules, then the rest. */
int elf_check(const void *bytes, size_t size, struct elf_facts *out, struct error *err)
{
    struct elf_image image;
    struct elf_dynamic dynamic;
    struct elf_symbols symbols;
    struct elf_facts facts = {0};
    if (elf_image_read(bytes, size, &image, err) != 0 || read_notes(&image, &facts, err) != 0 ||
        elf_dynamic_read(&image, &dynamic, err) != 0 ||
        elf_symbols_read(&dynamic, &symbols, err) != 0 ||
        elf_policy_check_entry(&image, &symbols, &facts.entry, err) != 0 ||
        elf_policy_check_demands(&dynamic, err) != 0 ||
        elf_policy_check_symbols(&image, &symbols, err) != 0 ||
        elf_versions_check(&dynamic, &symbols, err) != 0 ||
        elf_relocations_check(&dynamic, &symbols, err) != 0 ||
        elf_sections_check(&dynamic, err) != 0)
        return -1;
    list_needed(&dynamic, &facts);
    facts.memory = image.memory;
    *out = facts;
    return 0;
}
