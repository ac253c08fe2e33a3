#include "mail/maild/run.hpp"

int main(int argc, char** argv) { return quorate::mail::run(argc, argv); }
