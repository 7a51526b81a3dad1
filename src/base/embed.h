/* Embed: a file's bytes as part of the program. */
#ifndef BASE_EMBED_H
#define BASE_EMBED_H

/* The file at `path` as an array of this source alone, called `name`; a NUL stands behind it. */
#define EMBED(name, path)                       \
    __asm__(".pushsection .rodata\n"            \
            #name ":\n"                         \
            ".incbin \"" path "\"\n"            \
            ".byte 0\n"                         \
            ".popsection\n");                   \
    extern const char name[]

#endif
