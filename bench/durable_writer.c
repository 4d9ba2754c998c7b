/* The peer of bench_writers: files made durable as anyone would who knows how.
 *
 *   durable_writer DIRECTORY WRITERS CALLS BYTES
 *
 * A call is one audio file of so many bytes and a metadata.json of 400. Of each file: a temporary
 * name, write, fsync, rename, fsync of the directory. No digest, no index, no second copy of
 * anything. Prints calls per second; a call in which anything fails ends the program. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int directory;
static int calls;
static size_t bytes;
static atomic_int next;

static void fail(const char* what) {
  perror(what);
  exit(1);
}

static void make_durable(int call, const char* suffix, const char* data, size_t size) {
  char name[64], temporary[72];
  snprintf(name, sizeof name, "CA%d.%s", call, suffix);
  snprintf(temporary, sizeof temporary, ".%s", name);
  const int file = openat(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
  if (file < 0) fail("open");
  for (size_t done = 0; done < size;) {
    const ssize_t wrote = write(file, data + done, size - done);
    if (wrote < 0) fail("write");
    done += (size_t)wrote;
  }
  if (fsync(file) != 0 || close(file) != 0) fail("fsync");
  if (renameat(directory, temporary, directory, name) != 0) fail("rename");
  if (fsync(directory) != 0) fail("fsync of the directory");
}

static void* writer(void* unused) {
  char *audio = malloc(bytes), metadata[400];
  if (audio == NULL) fail("malloc");
  memset(audio, 'a', bytes);
  memset(metadata, 'm', sizeof metadata);
  for (int call; (call = atomic_fetch_add(&next, 1)) < calls;) {
    memcpy(audio, &call, sizeof call);
    make_durable(call, "inbound.ulaw", audio, bytes);
    make_durable(call, "metadata.json", metadata, sizeof metadata);
  }
  free(audio);
  return unused;
}

int main(int count, char** words) {
  enum { kWritersMax = 64 };
  const int writers = count == 5 ? atoi(words[2]) : 0;
  if (writers < 1 || writers > kWritersMax || (calls = atoi(words[3])) < 1 || atoi(words[4]) < 4) {
    fprintf(stderr, "usage: durable_writer DIRECTORY WRITERS CALLS BYTES\n");
    return 2;
  }
  bytes = (size_t)atoi(words[4]);
  if ((directory = open(words[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) fail(words[1]);
  pthread_t threads[kWritersMax];
  struct timespec begun, ended;
  clock_gettime(CLOCK_MONOTONIC, &begun);
  for (int i = 0; i < writers; ++i)
    if (pthread_create(&threads[i], NULL, writer, NULL) != 0) fail("pthread_create");
  for (int i = 0; i < writers; ++i) pthread_join(threads[i], NULL);
  clock_gettime(CLOCK_MONOTONIC, &ended);
  printf("%.1f\n", calls / ((double)(ended.tv_sec - begun.tv_sec) +
                            (double)(ended.tv_nsec - begun.tv_nsec) / 1e9));
  return 0;
}
