/*
 * What `stream` computes, by ecCodes and libcurl in C: mean and population standard deviation over
 * the members, in float64, of 12 variables over a region, from whole messages that are fetched by the
 * ranges of the indexes.
 *
 *     eccodes_client ENDPOINT STEM STEPS MEMBERS PROCESSES JOIN OUTPUT NORTH,WEST,SOUTH,EAST
 *
 * STEM is the key of a step's file up to its step, STEPS are hours with commas, MEMBERS the number of
 * members from the control on. Each process has half of the variables of every step (those that lie
 * next to each other in the file) and fetches them in the order of the file, 8 requests at once on
 * connections that stay open. JOIN is the most bytes of a request for adjacent messages: with 0 each
 * message is a request of its own. While a message is decoded, the kernel receives the next ones.
 * OUTPUT gets float64: step, variable (in the order of VARIABLES), mean and deviation, rows, columns.
 *
 * ecCodes has no window: codes_get_double_array() decodes the whole field.
 */
#include <curl/curl.h>
#include <eccodes.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define REQUESTS 8
#define MAX_MEMBERS 51
#define VARIABLE_COUNT 12
#define RECEIVE_BYTES (512L * 1024)

/* The variables of the output, as index lines have them. */
static const struct {
  const char *param, *level;
} VARIABLES[VARIABLE_COUNT] = {
    {"tp", ""},   {"2t", ""},   {"sp", ""},  {"ssr", ""},  {"ssrd", ""}, {"tcw", ""},
    {"tcwv", ""}, {"tcc", ""},  {"u", "700"}, {"v", "700"}, {"sf", ""},   {"ro", ""},
};

typedef struct {
  size_t offset, length;
  int step, variable, member;
} Message;

/* The members of a field, until all are there. */
typedef struct {
  double *members;
  int count;
} Field;

/* Adjacent messages of a file, and the connection that they come on. */
typedef struct {
  CURL *curl;
  unsigned char *bytes;
  size_t capacity, wanted, received;
  int first, count;
} Transfer;

static const char *endpoint, *stem, *output;
static int steps[128], step_count, member_count;
static size_t join_bytes;
static double north, west, south, east;
static Message *messages;
static int message_count;

static void fail(const char *action, const char *why) {
  fprintf(stderr, "Cannot %s: %s\n", action, why);
  exit(1);
}

static void *allocate(size_t bytes) {
  void *memory = malloc(bytes ? bytes : 1);
  if (!memory) fail("allocate memory", "there is none");
  return memory;
}

static size_t receive(char *bytes, size_t size, size_t count, void *user) {
  Transfer *transfer = user;
  size_t length = size * count;
  if (transfer->received + length > transfer->capacity) {
    if (transfer->wanted) return 0; /* more than was asked for */
    transfer->capacity = 2 * (transfer->received + length);
    transfer->bytes = realloc(transfer->bytes, transfer->capacity);
    if (!transfer->bytes) return 0;
  }
  memcpy(transfer->bytes + transfer->received, bytes, length);
  transfer->received += length;
  return length;
}

static void open_transfer(Transfer *transfer) {
  memset(transfer, 0, sizeof *transfer);
  transfer->curl = curl_easy_init();
  if (!transfer->curl) fail("open a connection", "curl_easy_init failed");
  curl_easy_setopt(transfer->curl, CURLOPT_WRITEFUNCTION, receive);
  curl_easy_setopt(transfer->curl, CURLOPT_WRITEDATA, transfer);
  curl_easy_setopt(transfer->curl, CURLOPT_PRIVATE, transfer);
  curl_easy_setopt(transfer->curl, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(transfer->curl, CURLOPT_BUFFERSIZE, RECEIVE_BYTES);
}

static void set_url(Transfer *transfer, int step, const char *ending) {
  char url[1024];
  snprintf(url, sizeof url, "%s/%s%dh-enfo-ef.%s", endpoint, stem, steps[step], ending);
  curl_easy_setopt(transfer->curl, CURLOPT_URL, url);
}

/* The value of a key of an index line, without quotes; "" where there is none. */
static void find_value(const char *line, const char *key, char *value, size_t size) {
  char name[32];
  snprintf(name, sizeof name, "\"%s\": ", key);
  const char *at = strstr(line, name);
  value[0] = '\0';
  if (!at) return;
  at += strlen(name);
  if (*at == '"') at++;
  size_t length = strcspn(at, "\",}");
  if (length >= size) fail("read an index", "a value is too long");
  memcpy(value, at, length);
  value[length] = '\0';
}

/* Keeps the message of an index line, if its field is wanted. */
static void parse_line(const char *line, int step) {
  char param[32], level[32], number[32], offset[32], length[32];
  find_value(line, "param", param, sizeof param);
  find_value(line, "levelist", level, sizeof level);
  find_value(line, "number", number, sizeof number);
  for (int variable = 0; variable < VARIABLE_COUNT; variable++) {
    if (strcmp(VARIABLES[variable].param, param) || strcmp(VARIABLES[variable].level, level)) continue;
    int member = atoi(number);
    if (member >= member_count) return;
    find_value(line, "_offset", offset, sizeof offset);
    find_value(line, "_length", length, sizeof length);
    messages[message_count++] =
        (Message){strtoull(offset, NULL, 10), strtoull(length, NULL, 10), step, variable, member};
    return;
  }
}

static void read_index(Transfer *transfer, int step) {
  transfer->received = 0;
  set_url(transfer, step, "index");
  CURLcode code = curl_easy_perform(transfer->curl);
  if (code) fail("read an index", curl_easy_strerror(code));
  receive("", 1, 1, transfer);
  for (char *save, *line = strtok_r((char *)transfer->bytes, "\n", &save); line;
       line = strtok_r(NULL, "\n", &save)) {
    parse_line(line, step);
  }
}

static int by_offset(const void *a, const void *b) {
  const Message *left = a, *right = b;
  if (left->step != right->step) return left->step - right->step;
  return left->offset < right->offset ? -1 : left->offset > right->offset;
}

/*
 * Keeps the messages of one process in the order of the file. The variables of a step are dealt out
 * in the order of their first messages, the first ones to the first process.
 */
static void keep_share(int process, int process_count) {
  int kept = 0, rank[VARIABLE_COUNT], found = 0, step = -1;
  for (int i = 0; i < message_count; i++) {
    if (messages[i].step != step) {
      step = messages[i].step, found = 0;
      memset(rank, -1, sizeof rank);
    }
    int variable = messages[i].variable;
    if (rank[variable] < 0) rank[variable] = found++;
    if (rank[variable] * process_count / VARIABLE_COUNT == process) messages[kept++] = messages[i];
  }
  message_count = kept;
}

/* Begins the next request: a message, and those that follow it in the file, up to the limit. */
static int start_transfer(CURLM *multi, Transfer *transfer, int first) {
  const Message *message = &messages[first];
  size_t end = message->offset + message->length;
  int count = 1;
  while (first + count < message_count) {
    const Message *next = &messages[first + count];
    int adjoins = next->step == message->step && next->offset == end;
    if (!adjoins || next->offset + next->length - message->offset > join_bytes) break;
    end = next->offset + next->length;
    count++;
  }
  transfer->first = first, transfer->count = count, transfer->received = 0;
  transfer->wanted = end - message->offset;
  if (transfer->capacity < transfer->wanted) {
    free(transfer->bytes);
    transfer->bytes = allocate(transfer->wanted);
    transfer->capacity = transfer->wanted;
  }
  char range[64];
  snprintf(range, sizeof range, "%zu-%zu", message->offset, end - 1);
  set_url(transfer, message->step, "grib2");
  curl_easy_setopt(transfer->curl, CURLOPT_RANGE, range);
  curl_multi_add_handle(multi, transfer->curl);
  return count;
}

/* The window of the region in a grid that begins at 90N 180W. */
static void find_window(long columns, int *top, int *left, int *height, int *width) {
  double spacing = 360.0 / columns;
  *top = (int)lround((90 - north) / spacing), *left = (int)lround((west + 180) / spacing);
  *height = (int)lround((90 - south) / spacing) - *top + 1;
  *width = (int)lround((east + 180) / spacing) - *left + 1;
}

/* Decodes a message and copies its window to the members of its field. */
static int decode_window(const unsigned char *bytes, const Message *message, Field *field) {
  static double *values;
  static size_t value_count;
  codes_handle *handle = codes_handle_new_from_message(NULL, bytes, message->length);
  long columns, rows;
  if (!handle) fail("read a message", "it is no GRIB message");
  if (codes_get_long(handle, "Ni", &columns) || codes_get_long(handle, "Nj", &rows)) {
    fail("read a message", "it has no grid of latitudes and longitudes");
  }
  size_t length = (size_t)(columns * rows);
  if (length > value_count) values = realloc(values, length * sizeof *values), value_count = length;
  int error = codes_get_double_array(handle, "values", values, &length);
  if (error) fail("decode a message", codes_get_error_message(error));
  codes_handle_delete(handle);
  int top, left, height, width;
  find_window(columns, &top, &left, &height, &width);
  int points = height * width;
  if (!field->members) field->members = allocate(sizeof(double) * member_count * points);
  double *window = field->members + (size_t)message->member * points;
  for (int row = 0; row < height; row++) {
    memcpy(window + row * width, values + (top + row) * columns + left, width * sizeof *values);
  }
  field->count++;
  return points;
}

/* Writes mean and deviation of a field to its place, and forgets its members. */
static void reduce_field(int file, const Message *message, Field *field, int points) {
  double *result = allocate(2 * sizeof(double) * points), *mean = result, *deviation = result + points;
  memset(result, 0, 2 * sizeof(double) * points);
  for (int member = 0; member < member_count; member++) {
    const double *window = field->members + (size_t)member * points;
    for (int i = 0; i < points; i++) mean[i] += window[i];
  }
  for (int i = 0; i < points; i++) mean[i] /= member_count;
  for (int member = 0; member < member_count; member++) {
    const double *window = field->members + (size_t)member * points;
    for (int i = 0; i < points; i++) deviation[i] += (window[i] - mean[i]) * (window[i] - mean[i]);
  }
  for (int i = 0; i < points; i++) deviation[i] = sqrt(deviation[i] / member_count);
  size_t bytes = 2 * sizeof(double) * points;
  off_t at = (off_t)(message->step * VARIABLE_COUNT + message->variable) * (off_t)bytes;
  if (pwrite(file, result, bytes, at) != (ssize_t)bytes) fail("write the output", "the disk is full");
  free(result);
  free(field->members);
  field->members = NULL;
}

/* Decodes what a request brought; fields that are complete are reduced. */
static void take_messages(int file, const Transfer *transfer, Field *fields) {
  if (transfer->received != transfer->wanted) fail("fetch messages", "the answer is too short");
  const unsigned char *bytes = transfer->bytes;
  for (int i = transfer->first; i < transfer->first + transfer->count; i++) {
    const Message *message = &messages[i];
    Field *field = &fields[message->step * VARIABLE_COUNT + message->variable];
    int points = decode_window(bytes, message, field);
    if (field->count == member_count) reduce_field(file, message, field, points);
    bytes += message->length;
  }
}

/* Fetches and reduces the share of one process. */
static void work(int process, int process_count) {
  keep_share(process, process_count);
  CURLM *multi = curl_multi_init();
  Transfer transfers[REQUESTS];
  Field *fields = calloc((size_t)step_count * VARIABLE_COUNT, sizeof *fields);
  int file = open(output, O_WRONLY), next = 0, under_way = 0;
  if (!multi || !fields || file < 0) fail("begin", "memory or the output is missing");
  for (int i = 0; i < REQUESTS; i++) {
    open_transfer(&transfers[i]);
    if (next < message_count) next += start_transfer(multi, &transfers[i], next), under_way++;
  }
  while (under_way > 0) {
    int running, left;
    curl_multi_perform(multi, &running);
    CURLMsg *done = curl_multi_info_read(multi, &left);
    if (!done) {
      curl_multi_poll(multi, NULL, 0, 1000, NULL);
      continue;
    }
    if (done->data.result) fail("fetch messages", curl_easy_strerror(done->data.result));
    Transfer *transfer;
    curl_easy_getinfo(done->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
    curl_multi_remove_handle(multi, transfer->curl);
    under_way--;
    take_messages(file, transfer, fields);
    if (next < message_count) next += start_transfer(multi, transfer, next), under_way++;
  }
  close(file);
}

int main(int argc, char **argv) {
  if (argc != 9) fail("begin", "give ENDPOINT STEM STEPS MEMBERS PROCESSES JOIN OUTPUT REGION");
  endpoint = argv[1], stem = argv[2], member_count = atoi(argv[4]), output = argv[7];
  int process_count = atoi(argv[5]);
  join_bytes = strtoull(argv[6], NULL, 10);
  if (sscanf(argv[8], "%lf,%lf,%lf,%lf", &north, &west, &south, &east) != 4) {
    fail("read the region", argv[8]);
  }
  if (member_count < 1 || member_count > MAX_MEMBERS) fail("read the members", argv[4]);
  for (char *save, *text = strtok_r(argv[3], ",", &save); text && step_count < 128;
       text = strtok_r(NULL, ",", &save)) {
    steps[step_count++] = atoi(text);
  }
  curl_global_init(CURL_GLOBAL_DEFAULT);
  messages = allocate(sizeof *messages * step_count * VARIABLE_COUNT * MAX_MEMBERS);
  Transfer indexes;
  open_transfer(&indexes);
  for (int step = 0; step < step_count; step++) read_index(&indexes, step);
  curl_easy_cleanup(indexes.curl);
  free(indexes.bytes);
  if (message_count != step_count * VARIABLE_COUNT * member_count) {
    fail("find the fields", "the indexes lack some");
  }
  qsort(messages, message_count, sizeof *messages, by_offset);
  int file = open(output, O_CREAT | O_WRONLY | O_TRUNC, 0666);
  if (file < 0 || close(file)) fail("write the output", output);
  for (int process = 0; process < process_count; process++) {
    pid_t child = fork();
    if (child < 0) fail("begin", "fork failed");
    if (child == 0) {
      work(process, process_count);
      _exit(0);
    }
  }
  for (int status; wait(&status) > 0;) {
    if (status) fail("compute the statistics", "a process failed");
  }
  return 0;
}
