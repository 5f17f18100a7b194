/* The floor of edge building: distinct members of each activity, sorted CSR, Gustavson row by row
   with dense accumulators. One thread, 32-bit codes; pairs come out in order. See floor.py. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    int64_t size, room;
    int32_t *first, *second, *full;
    double *fractional;
} Edges;

static int grow(Edges *e, int64_t more) {
    if (e->size + more <= e->room) return 0;
    int64_t room = e->room ? e->room : 1 << 16;
    while (room < e->size + more) room *= 2;
    void *a = realloc(e->first, room * 4);
    if (!a) return -1;
    e->first = a;
    void *b = realloc(e->second, room * 4);
    if (!b) return -1;
    e->second = b;
    void *c = realloc(e->full, room * 4);
    if (!c) return -1;
    e->full = c;
    void *d = realloc(e->fractional, room * 8);
    if (!d) return -1;
    e->fractional = d;
    e->room = room;
    return 0;
}

void floor_free(Edges *e) {
    free(e->first), free(e->second), free(e->full), free(e->fractional);
    memset(e, 0, sizeof *e);
}

static void sort_small(int32_t *v, int64_t n) {
    for (int64_t i = 1; i < n; i++) {
        int32_t x = v[i];
        int64_t j = i;
        while (j && v[j - 1] > x) v[j] = v[j - 1], j--;
        v[j] = x;
    }
}

/* Radix sort of `n` codes, 11 bits at a time; `spare` has room for them. */
static void sort_many(int32_t *v, int32_t *spare, int64_t n, int32_t below) {
    int64_t count[2048];
    for (int shift = 0; shift < 32 && (below >> shift); shift += 11) {
        memset(count, 0, sizeof count);
        for (int64_t i = 0; i < n; i++) count[(v[i] >> shift) & 2047]++;
        int64_t at = 0;
        for (int k = 0; k < 2048; k++) {
            int64_t c = count[k];
            count[k] = at, at += c;
        }
        for (int64_t i = 0; i < n; i++) spare[count[(v[i] >> shift) & 2047]++] = v[i];
        memcpy(v, spare, n * 4);
    }
}

/* Rows (work[i], unit[i]), where work < works and unit < units; a negative one is left out, as is a
   work for which keep is 0. Returns 0, or -1 where memory is short. */
int floor_edges(const int32_t *work, const int32_t *unit, int64_t rows, int32_t works,
                int32_t units, const uint8_t *keep, Edges *e) {
    memset(e, 0, sizeof *e);
    int64_t *start = calloc((size_t)works + 2, 8), *of_unit = calloc((size_t)units + 2, 8);
    int32_t *member = malloc((rows + 1) * 4), *list = malloc((rows + 1) * 4);
    int32_t *touched = malloc(((size_t)units + 1) * 4), *spare = malloc(((size_t)units + 1) * 4);
    int32_t *count = calloc((size_t)units + 1, 4), *next = malloc(((size_t)works + 1) * 4);
    double *sum = calloc((size_t)units + 1, 8), *credit = malloc(((size_t)works + 1) * 8);
    uint64_t *bits = calloc((size_t)units / 64 + 1, 8);
    int failed = !(start && of_unit && member && list && touched && spare && count && next && sum &&
                   credit && bits);
    if (failed) goto end;

    /* Group rows by work: one counting sort. */
    for (int64_t i = 0; i < rows; i++)
        if (work[i] >= 0 && unit[i] >= 0 && keep[work[i]]) start[work[i] + 2]++;
    for (int32_t w = 1; w <= works; w++) start[w + 1] += start[w];
    for (int64_t i = 0; i < rows; i++)
        if (work[i] >= 0 && unit[i] >= 0 && keep[work[i]]) member[start[work[i] + 1]++] = unit[i];

    /* Sort and take each member once, in place; works of one member make no pair. */
    int64_t out = 0, from = 0;
    for (int32_t w = 0; w < works; w++) {
        int64_t to = start[w + 1], n = to - from;
        int32_t *m = member + from;
        if (n <= 64) sort_small(m, n);
        else if (n <= units) sort_many(m, spare, n, units);
        else {
            int32_t *wide = malloc(n * 4);
            if (!wide) { failed = 1; goto end; }
            sort_many(m, wide, n, units);
            free(wide);
        }
        int64_t begin = out;
        for (int64_t k = 0; k < n; k++)
            if (!k || m[k] != member[out - 1] || out == begin) member[out++] = m[k];
        if (out - begin < 2) out = begin;
        for (int64_t k = begin; k < out; k++) of_unit[member[k] + 2]++;
        credit[w] = out - begin > 1 ? 1.0 / (double)(out - begin - 1) : 0;
        start[w] = begin;
        from = to;
    }
    start[works] = out;

    /* Transpose: the works of each unit, in order. */
    for (int32_t u = 1; u <= units; u++) of_unit[u + 1] += of_unit[u];
    for (int32_t w = 0; w < works; w++) {
        next[w] = 0;
        for (int64_t k = start[w]; k < start[w + 1]; k++) list[of_unit[member[k] + 1]++] = w;
    }

    /* Gustavson: row u is the sum over its works of the members after u. */
    for (int32_t u = 0; u < units; u++) {
        int64_t n = 0;
        for (int64_t k = of_unit[u]; k < of_unit[u + 1]; k++) {
            int32_t w = list[k];
            double c = credit[w];
            const int32_t *stop = member + start[w + 1];
            for (const int32_t *m = member + start[w] + ++next[w]; m < stop; m++) {
                if (!count[*m]++) touched[n++] = *m;
                sum[*m] += c;
            }
        }
        if (!n) continue;
        if (grow(e, n)) { failed = 1; goto end; }
        if (n <= 48) sort_small(touched, n);
        else if (n > units / 512) { /* dense: read the row off a bitmap */
            int32_t low = units, high = 0;
            for (int64_t k = 0; k < n; k++) {
                int32_t t = touched[k] >> 6;
                bits[t] |= 1ULL << (touched[k] & 63);
                if (t < low) low = t;
                if (t > high) high = t;
            }
            n = 0;
            for (int32_t t = low; t <= high; t++) {
                uint64_t b = bits[t];
                bits[t] = 0;
                for (; b; b &= b - 1) touched[n++] = (t << 6) + __builtin_ctzll(b);
            }
        } else sort_many(touched, spare, n, units);
        for (int64_t k = 0; k < n; k++) {
            int32_t t = touched[k];
            int64_t at = e->size++;
            e->first[at] = u, e->second[at] = t, e->full[at] = count[t], e->fractional[at] = sum[t];
            count[t] = 0, sum[t] = 0;
        }
    }
end:
    free(start), free(of_unit), free(member), free(list), free(touched), free(spare);
    free(count), free(next), free(sum), free(credit), free(bits);
    if (failed) floor_free(e);
    return failed ? -1 : 0;
}
