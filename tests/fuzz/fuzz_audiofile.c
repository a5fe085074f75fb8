/* Audio files from strangers: whatever the bytes, reading ends, also a second time, and gives
 * no more than was asked for. The first byte chooses the codec and the MIME type. */
#include "base/mem.h"
#include "media/reader.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FRAMES_MAX 500 /* ten seconds are enough to find out */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libsndfile 1.2.0 forgets a few kB when it gives up on the header of an Ogg file: theirs. */
const char *__lsan_default_suppressions(void)
{
    return "leak:vorbis_info_init\nleak:vorbis_synthesis_headerin\n";
}

/* Reads to the end or the bound, in bites of another size each time. */
static void read_all(struct reader *r, uint8_t *frames, size_t bite)
{
    size_t n = 0, got;

    do {
        size_t want = FRAMES_MAX - n < bite ? FRAMES_MAX - n : bite;

        got = reader_read(r, frames, want);
        if (got > want)
            abort();
        n += got;
        if (got < want && reader_read(r, frames, 1) != 0)
            abort(); /* fewer than asked for means the end */
    } while (got > 0 && n < FRAMES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const mimes[] = {NULL, "audio/ulaw", "audio/gsm", "audio/alaw"};
    struct reader_source source = {.fd = -1};
    struct error err = {0};
    struct reader *r = NULL;
    uint8_t *frames;

    if (size < 1)
        return 0;
    source.mime = mimes[data[0] / CODEC_COUNT % 4];
    source.bytes = data + 1;
    source.size = size - 1;
    if (reader_open(&r, &source, (enum codec)(data[0] % CODEC_COUNT), &err) != 0) {
        if (err.text[0] == '\0')
            abort(); /* an error must be said */
        return 0;
    }
    frames = mem_alloc((size_t)FRAMES_MAX * FRAME_BYTES_MAX);
    read_all(r, frames, 50);
    if (reader_rewind(r) == 0)
        read_all(r, frames, 7);
    mem_free(frames);
    reader_close(r);
    return 0;
}
