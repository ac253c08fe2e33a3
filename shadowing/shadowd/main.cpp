#include "shadowing/shadowd/run.hpp"

int main(int argc, char** argv) { return quorate::shadowing::run_shadowd(argc, argv); }
