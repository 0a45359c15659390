/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <math.h>
#include <stdint.h>
#include <stdio.h>

#include <string>

/** Writes JSON in order; commas and escapes are its business. Keys in objects, none in arrays. */
class Json {
 public:
  Json& open(char bracket, const char* key = nullptr) {
    name(key);
    text_ += bracket;
    closers_ += bracket == '{' ? '}' : ']';
    first_ = true;
    return *this;
  }
  Json& close() {
    const char bracket = closers_.back();
    closers_.pop_back();
    if (!first_) {
      line();
    }
    text_ += bracket;
    first_ = false;
    return *this;
  }
  Json& value(const char* key, const std::string& v) {
    name(key);
    text_ += '"';
    for (const char c : v) {
      if (c == '"' || c == '\\') {
        text_ += '\\';
        text_ += c;
      } else if (static_cast<unsigned char>(c) < 0x20) {
        char escape[8];
        snprintf(escape, sizeof escape, "\\u%04x", c);
        text_ += escape;
      } else {
        text_ += c;
      }
    }
    text_ += '"';
    return *this;
  }
  Json& value(const char* key, const char* v) { return value(key, std::string(v)); }
  Json& value(const char* key, bool v) { return raw(key, v ? "true" : "false"); }
  Json& value(const char* key, int64_t v) { return raw(key, std::to_string(v)); }
  Json& value(const char* key, int v) { return raw(key, std::to_string(v)); }
  Json& value(const char* key, double v) {
    char digits[32];
    snprintf(digits, sizeof digits, "%.9g", v);
    return isfinite(v) ? raw(key, digits) : null(key);
  }
  Json& null(const char* key) { return raw(key, "null"); }

  const std::string& text() const { return text_; }

 private:
  Json& raw(const char* key, const std::string& v) {
    name(key);
    text_ += v;
    return *this;
  }
  void name(const char* key) {
    if (!closers_.empty()) {
      if (!first_) {
        text_ += ',';
      }
      line();
    }
    first_ = false;
    if (key != nullptr) {
      text_ += std::string("\"") + key + "\": ";
    }
  }
  void line() { text_ += '\n' + std::string(2 * closers_.size(), ' '); }

  std::string text_;
  std::string closers_;
  bool first_ = true;
};
